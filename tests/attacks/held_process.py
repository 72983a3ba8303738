"""What a process that is held inside of execve(2) is, and what it is about to run."""

from __future__ import annotations

import contextlib
import os
import platform
import struct
from pathlib import Path

# Source: asm/unistd.h of each architecture: execve, execveat.
_EXECVE, _EXECVEAT = {"x86_64": (59, 322), "aarch64": (221, 281)}.get(
    platform.machine(), (None, None)
)
_MOST_ARGUMENTS = 64
_STRING_BYTES = 4096
_POINTER = struct.Struct("=Q")


def user_ids(pid: int) -> tuple[int, int]:
    """Return a process's real and effective user id.

    Raises:
        OSError: It is gone.
    """
    for line in Path("/proc", str(pid), "status").read_text().splitlines():
        if line.startswith("Uid:"):
            _, real, effective, *_ = line.split()
            return int(real), int(effective)
    raise ProcessLookupError(f"/proc/{pid}/status names no user")


def about_to_run(pid: int) -> tuple[str, tuple[str, ...]]:
    """Return the path and the arguments of the execve(2) that a process waits in.

    Source: proc(5), /proc/pid/syscall. ("", ()) where they cannot be read.
    """
    with contextlib.suppress(OSError, ValueError):
        words = Path("/proc", str(pid), "syscall").read_text().split()
        number, arguments = int(words[0]), [int(word, 16) for word in words[1:7]]
        if number == _EXECVEAT:
            arguments = arguments[1:]
        elif number != _EXECVE:
            return "", ()
        with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
            path = _string(memory.fileno(), arguments[0])
            return _absolute(pid, path), tuple(_strings(memory.fileno(), arguments[1]))
    return "", ()


def _absolute(pid: int, path: str) -> str:
    return path if path.startswith("/") else f"{os.readlink(f'/proc/{pid}/cwd')}/{path}"


def _strings(memory: int, place: int) -> list[str]:
    found = []
    for index in range(_MOST_ARGUMENTS):
        (pointer,) = _POINTER.unpack(os.pread(memory, 8, place + 8 * index))
        if not pointer:
            break
        found.append(_string(memory, pointer))
    return found


def _string(memory: int, place: int) -> str:
    # What lies beyond the page may not be there to read.
    first = os.pread(memory, 4096 - place % 4096, place)
    if b"\0" not in first:
        with contextlib.suppress(OSError):
            first += os.pread(memory, _STRING_BYTES, place + len(first))
    return os.fsdecode(first.split(b"\0", 1)[0])
