"""Which process maps which file as a program: told by the kernel itself, whoever loads it.

Source: perf_event_open(2): PERF_RECORD_MMAP2 is written for each executable mapping, and
PERF_RECORD_FORK for each process that is made.
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
_SAMPLE_TIME = 4
# mmap, task, sample_id_all, mmap2, use_clockid: with the time at the end of each record.
_FLAGS = 1 << 8 | 1 << 13 | 1 << 18 | 1 << 23 | 1 << 25
_CLOCK_MONOTONIC = 1
# type, size, config, sample_period, sample_type, read_format, flags, then what stays zero up to
# clockid, and what stays zero after it.
_ATTRIBUTE = struct.Struct("=IIQQQQQ44xi16x")
_CLOEXEC = 8
_RECORD_LOST, _RECORD_FORK, _RECORD_MMAP2 = 2, 7, 10
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
        time_ns: When, as time.monotonic_ns() says it.
        pid: Of the process, as this machine sees it.
        path: As that process sees it.
    """

    time_ns: int
    pid: int
    path: str


@dataclass(frozen=True)
class Forked:
    """A process that was made.

    Args:
        time_ns: When, as time.monotonic_ns() says it.
        pid: Of the new process.
        parent: Who made it.
    """

    time_ns: int
    pid: int
    parent: int


class MappedFiles:
    """Records what all processes of this machine map, from now on."""

    def __init__(self) -> None:
        self.lost = 0
        """How many records the kernel had no room for."""
        self._rings: list[tuple[int, mmap.mmap]] = []
        try:
            for cpu in range(os.cpu_count() or 1):
                self._rings.append(_open(cpu))
        except BaseException:
            self.close()
            raise

    def read(self) -> Iterator[Mapped | Forked]:
        """Yield what was seen since the last call; in order for each processor only."""
        for _, ring in self._rings:
            head, tail = struct.unpack_from("=QQ", ring, _HEAD)
            while tail < head:
                kind, _, size = struct.unpack("=IHH", _bytes(ring, tail, 8))
                yield from self._record(kind, _bytes(ring, tail + 8, size - 8))
                tail += size
            struct.pack_into("=Q", ring, _TAIL, tail)

    def close(self) -> None:
        """Stop recording; twice is as good as once."""
        while self._rings:
            descriptor, ring = self._rings.pop()
            ring.close()
            os.close(descriptor)

    def _record(self, kind: int, body: bytes) -> Iterator[Mapped | Forked]:
        pid, other = struct.unpack_from("=II", body)
        (time_ns,) = struct.unpack("=Q", body[-8:])
        if kind == _RECORD_LOST:
            self.lost += struct.unpack_from("=QQ", body)[1]
        elif kind == _RECORD_FORK:
            # A new thread has the pid of its parent.
            if pid != other:
                yield Forked(time_ns, pid, other)
        elif kind == _RECORD_MMAP2 and struct.unpack_from("=I", body, _PROT)[0] & _PROT_EXEC:
            yield Mapped(time_ns, pid, os.fsdecode(body[_NAME:-8].split(b"\0", 1)[0]))


def _open(cpu: int) -> tuple[int, mmap.mmap]:
    attribute = _ATTRIBUTE.pack(
        _TYPE_SOFTWARE, _ATTRIBUTE.size, _COUNT_DUMMY, 0, _SAMPLE_TIME, 0, _FLAGS, _CLOCK_MONOTONIC
    )
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
