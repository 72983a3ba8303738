"""The person's own stdin, stdout and terminal, lent to a program on a host.

What the program prints is passed on byte for byte: it may be a dump that goes into a file.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import re
import select
import signal
import sys
import termios
import tty
from collections.abc import Iterator
from types import FrameType

Size = tuple[int, int]

CHUNK_BYTES = 1 << 15

LOOKED_AT_BYTES = 2048
"""Of the end of what a program prints."""

_NO_TERMINAL = re.compile(
    rb"(?i)not (?:running in )?a tty|not a terminal|EOF when reading a line|EOFError"
    rb"|inappropriate ioctl for device|stdin is not interactive"
)
"""What programs say that miss a terminal. Source: Django's createsuperuser, Python, tty(1)."""


class PipedConsole:
    """For a program that gets pipes: `fab run`.

    What is typed at a terminal is not for it: without a terminal of its own it could not
    tell where input ends.
    """

    size: Size | None = None

    def __init__(self) -> None:
        self._last = b""

    @property
    def wanted_terminal(self) -> bool:
        """Whether the program said that it has no terminal, or read on where input had ended."""
        return bool(_NO_TERMINAL.search(self._last))

    def input(self) -> Iterator[bytes | Size]:
        """Yield what comes on stdin; nothing where that is a terminal."""
        if sys.stdin is None or sys.stdin.isatty():
            return
        while data := os.read(sys.stdin.fileno(), CHUNK_BYTES):
            yield data

    def write(self, data: bytes, *, error: bool) -> None:
        """Write to stdout or stderr at once.

        Raises:
            BrokenPipeError: Whoever reads along has seen enough.
        """
        self._last = (self._last + data)[-LOOKED_AT_BYTES:]
        _write(2 if error else 1, data)


class TerminalConsole:
    """For a program that gets a terminal like this one: `fab shell`.

    A context manager: within it each key goes to the program, Ctrl-C too; after it, or
    however this process ends, the terminal is as it was.
    """

    def __init__(self) -> None:
        self._terminal = sys.stdin.fileno()
        self.size: Size | None = self._size()
        self._before = termios.tcgetattr(self._terminal)
        # A byte in this pipe: the size has changed.
        self._changed, self._change = os.pipe()
        os.set_blocking(self._change, False)

    @staticmethod
    def is_possible() -> bool:
        """Return whether a person's terminal is at both ends."""
        return bool(sys.stdin and sys.stdin.isatty() and sys.stdout.isatty())

    def __enter__(self) -> TerminalConsole:
        self._handler = signal.signal(signal.SIGWINCH, self._has_changed)
        # A termination that Python does not turn into an exception would leave it raw.
        self._ends = {
            number: signal.signal(number, _end) for number in (signal.SIGTERM, signal.SIGHUP)
        }
        atexit.register(self._restore)
        tty.setraw(self._terminal)
        return self

    def __exit__(self, *_: object) -> None:
        self._restore()
        atexit.unregister(self._restore)
        for number, handler in {signal.SIGWINCH: self._handler, **self._ends}.items():
            signal.signal(number, handler)

    def input(self) -> Iterator[bytes | Size]:
        """Yield typed text, and new sizes of the terminal."""
        while True:
            ready = select.select([self._terminal, self._changed], [], [])[0]
            if self._changed in ready:
                os.read(self._changed, CHUNK_BYTES)
                yield self._size()
            if self._terminal in ready:
                data = os.read(self._terminal, CHUNK_BYTES)
                if not data:
                    return
                yield data

    def write(self, data: bytes, *, error: bool) -> None:
        """Write to the terminal."""
        _write(1, data)

    def _size(self) -> Size:
        found = os.get_terminal_size(self._terminal)
        return found.lines, found.columns

    def _has_changed(self, number: int, frame: FrameType | None) -> None:
        with contextlib.suppress(BlockingIOError):
            os.write(self._change, b"x")

    def _restore(self) -> None:
        with contextlib.suppress(termios.error):
            termios.tcsetattr(self._terminal, termios.TCSADRAIN, self._before)


def _end(number: int, frame: FrameType | None) -> None:
    # Source: what a shell reports of a program that a signal ended: 128 + its number.
    raise SystemExit(128 + number)


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(descriptor, view) :]
        except BlockingIOError:
            # Whoever shares the terminal with us has set it so.
            select.select([], [descriptor], [])
