"""Look at a guest from outside: its processes and its files."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

from provisioning.errors import HomeportError

# Source: path_resolution(7): the kernel itself gives up after 40 links.
_MAX_LINKS = 40


def is_first_process(pid: int) -> bool:
    """Tell whether a process is PID 1 of a guest right below this machine."""
    with contextlib.suppress(OSError):
        for line in Path("/proc", str(pid), "status").read_text().splitlines():
            # Source: proc(5): its ids from this namespace inwards.
            if line.startswith("NSpid:"):
                return line.split()[2:] == ["1"]
    return False


def start_time_s(pid: int) -> float:
    """Return when a process started, in seconds since this machine was booted."""
    # Source: proc(5): field 22; the name in field 2 may itself hold blanks.
    fields = Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()
    return int(fields[19]) / os.sysconf("SC_CLK_TCK")


def memory_bytes(pids: Iterable[int]) -> int:
    """Return how much memory processes use; what they share is counted once."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            for line in Path("/proc", str(pid), "smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
    return total


def locate(root: Path, inside: str) -> Path:
    """Return a guest's path as seen from outside.

    Args:
        root: Where the guest's "/" is to be seen.
        inside: An absolute path in there; its last part may be a link or missing.

    Raises:
        HomeportError: It is not absolute, or its links run in a circle.
    """
    if not inside.startswith("/"):
        raise HomeportError(f"cannot look at {inside!r} on a lab host: the path is not absolute")
    left = inside.split("/")[::-1]
    found = root
    links = 0
    while left:
        part = left.pop()
        if part in ("", "."):
            continue
        if part == "..":
            found = found.parent if found != root else root
            continue
        found /= part
        if left and found.is_symlink():
            links += 1
            if links > _MAX_LINKS:
                raise HomeportError(f"cannot look at {inside} on a lab host: too many links")
            target = found.readlink()
            found = root if target.is_absolute() else found.parent
            left += str(target).split("/")[::-1]
    return found
