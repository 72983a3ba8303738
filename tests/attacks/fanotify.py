"""The kernel's fanotify, as far as the watcher needs it: hold an exec, look, allow it.

Source of every number: linux/fanotify.h; fanotify(7), fanotify_init(2), fanotify_mark(2).
"""

from __future__ import annotations

import ctypes
import os
import select
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Self

_OPEN_EXEC_PERM = 0x0004_0000

_CLOEXEC, _NONBLOCK, _CLASS_CONTENT = 0x1, 0x2, 0x4
_UNLIMITED_QUEUE = 0x10
_MARK_ADD, _MARK_FILESYSTEM = 0x1, 0x100
_AT_FDCWD = -100
_ALLOW = 0x1
# event_len, version, reserved, metadata_len, mask, fd, pid
_METADATA = struct.Struct("=IBBHQii")
_RESPONSE = struct.Struct("=iI")
_VERSION = 3
_BUFFER_BYTES = 1 << 16


@dataclass(frozen=True)
class Held:
    """A process that waits inside of execve(2).

    Args:
        pid: Of the process, as this machine sees it.
        file: A descriptor of what it opens, valid until it is let go.
    """

    pid: int
    file: int


class Fanotify:
    """Holds processes that execute files of marked file systems.

    Closing the descriptor lets go of all that are held; so does the end of this process, however
    it ends. Source: fanotify(7), "Closing the fanotify file descriptor".
    """

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        flags = _CLOEXEC | _NONBLOCK | _CLASS_CONTENT | _UNLIMITED_QUEUE
        # O_NONBLOCK: the kernel opens the file for us, and a FIFO without a writer would wait.
        opened_with = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
        self._fd = self._checked(self._libc.fanotify_init(flags, opened_with), "fanotify_init")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self.close()

    def mark(self, path: str) -> None:
        """Hold whoever executes something of the file system that a path lies on."""
        result = self._libc.fanotify_mark(
            self._fd,
            _MARK_ADD | _MARK_FILESYSTEM,
            ctypes.c_uint64(_OPEN_EXEC_PERM),
            _AT_FDCWD,
            os.fsencode(path),
        )
        self._checked(result, f"fanotify_mark {path}")

    def wait(self, timeout_s: float) -> Iterator[Held]:
        """Yield processes that are held; each is let go when the next one is asked for."""
        # Not select(2), which knows no descriptor above 1023.
        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        if not poll.poll(timeout_s * 1000):
            return
        try:
            buffer = os.read(self._fd, _BUFFER_BYTES)
        except BlockingIOError:
            return
        held = list(_parse(buffer))
        done = 0
        try:
            for each in held:
                try:
                    yield each
                finally:
                    done += 1
                    self._let_go(each)
        finally:
            for each in held[done:]:
                self._let_go(each)

    def close(self) -> None:
        """Let go of all; twice is as good as once."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _let_go(self, held: Held) -> None:
        try:
            os.write(self._fd, _RESPONSE.pack(held.file, _ALLOW))
        finally:
            os.close(held.file)

    @staticmethod
    def _checked(result: int, what: str) -> int:
        if result < 0:
            number = ctypes.get_errno()
            raise OSError(number, f"{what}: {os.strerror(number)}")
        return result


def _parse(buffer: bytes) -> Iterator[Held]:
    place = 0
    while place + _METADATA.size <= len(buffer):
        length, version, _, _, _, file, pid = _METADATA.unpack_from(buffer, place)
        if version != _VERSION:
            raise RuntimeError(f"fanotify speaks version {version} in place of {_VERSION}")
        if file >= 0:
            yield Held(pid, file)
        place += length
