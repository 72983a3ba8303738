"""Which process maps which file as a program: told by the kernel itself, whoever loads it.

Source: perf_event_open(2): PERF_RECORD_MMAP2 is written for each executable mapping.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import platform
import struct
from collections.abc import Iterator
from dataclasses import dataclass

# Source: asm/unistd.h of each architecture.
_CALL = {"x86_64": 298, "aarch64": 241}
_TYPE_SOFTWARE, _COUNT_DUMMY = 1, 9
_ATTRIBUTE_BYTES = 112
_MMAP, _MMAP2 = 1 << 8, 1 << 23
_CLOEXEC = 8
_RECORD_LOST, _RECORD_MMAP2 = 2, 10
_PROT_EXEC = 4
_PAGE = mmap.PAGESIZE
_PAGES = 256
# Where data_head and data_tail stand in the first page.
_HEAD, _TAIL = 1024, 1032
# Where prot and the name stand in a record's body.
_PROT, _NAME = 56, 64


@dataclass(frozen=True)
class Mapped:
    """A file that was mapped executable.

    Args:
        pid: Of the process, as this machine sees it.
        path: As that process sees it.
    """

    pid: int
    path: str


class MappedFiles:
    """Records what all processes of this machine map, from now on."""

    def __init__(self) -> None:
        self.lost = 0
        """How many records the kernel had no room for."""
        self._rings: list[tuple[int, mmap.mmap]] = []
        try:
            for cpu in sorted(os.sched_getaffinity(0) | set(range(os.cpu_count() or 1))):
                self._rings.append(_open(cpu))
        except BaseException:
            self.close()
            raise

    def read(self) -> Iterator[Mapped]:
        """Yield what was mapped since the last call."""
        for _, ring in self._rings:
            head, tail = struct.unpack_from("=QQ", ring, _HEAD)
            while tail < head:
                kind, _, size = struct.unpack("=IHH", _bytes(ring, tail, 8))
                body = _bytes(ring, tail + 8, size - 8)
                tail += size
                if kind == _RECORD_LOST:
                    self.lost += struct.unpack_from("=QQ", body)[1]
                elif kind == _RECORD_MMAP2:
                    (pid,), (prot,) = (
                        struct.unpack_from("=I", body),
                        struct.unpack_from("=I", body, _PROT),
                    )
                    if prot & _PROT_EXEC:
                        yield Mapped(pid, os.fsdecode(body[_NAME:].split(b"\0", 1)[0]))
            struct.pack_into("=Q", ring, _TAIL, tail)

    def close(self) -> None:
        """Stop recording; twice is as good as once."""
        while self._rings:
            descriptor, ring = self._rings.pop()
            ring.close()
            os.close(descriptor)


def _open(cpu: int) -> tuple[int, mmap.mmap]:
    attribute = struct.pack(
        "=IIQQQQQ", _TYPE_SOFTWARE, _ATTRIBUTE_BYTES, _COUNT_DUMMY, 0, 0, 0, _MMAP | _MMAP2
    ).ljust(_ATTRIBUTE_BYTES, b"\0")
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.syscall(
        _CALL[platform.machine()], ctypes.create_string_buffer(attribute), -1, cpu, -1, _CLOEXEC
    )
    if descriptor < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"perf_event_open: {os.strerror(number)}")
    try:
        return descriptor, mmap.mmap(descriptor, _PAGE * (1 + _PAGES))
    except BaseException:
        os.close(descriptor)
        raise


def _bytes(ring: mmap.mmap, place: int, length: int) -> bytes:
    size = _PAGE * _PAGES
    begin = place % size
    first = ring[_PAGE + begin : _PAGE + min(begin + length, size)]
    return first + ring[_PAGE : _PAGE + length - len(first)]
