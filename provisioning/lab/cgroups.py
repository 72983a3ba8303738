"""One control group per host: how a lab finds, and ends, every process it started."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

from provisioning.errors import HomeportError

# Source: cgroups(7); "hybrid" machines have version 2 below `unified` and
# systemd's own named hierarchy of version 1 beside it.
_ROOTS = (Path("/sys/fs/cgroup/unified"), Path("/sys/fs/cgroup"))
_NAMED_V1 = Path("/sys/fs/cgroup/systemd")
_KILL_TIMEOUT_S = 20.0


def root() -> Path | None:
    """Return where the version 2 hierarchy is mounted and can be written, or None."""
    for candidate in _ROOTS:
        if (candidate / "cgroup.controllers").is_file() and os.access(candidate, os.W_OK):
            return candidate
    return None


def lab_group(lab_id: str) -> Path:
    """Return the group below which all processes of a lab live.

    Raises:
        HomeportError: This machine has no place for it.
    """
    top = root()
    if top is None:
        raise HomeportError(
            "cannot find the lab's processes: there is no writable cgroup version 2 hierarchy"
        )
    return top / f"homeport-{lab_id}"


def make(group: Path) -> None:
    """Make a group and hand its parents' controllers down as far as the machine allows."""
    group.mkdir(parents=True, exist_ok=True)
    parent = group.parent
    with contextlib.suppress(OSError):
        for controller in (parent / "cgroup.controllers").read_text().split():
            # Refused one by one: a machine may keep some for itself.
            with contextlib.suppress(OSError):
                (parent / "cgroup.subtree_control").write_text(f"+{controller}")


def processes(group: Path) -> list[int]:
    """Return the ids of all processes in a group and below it."""
    found: list[int] = []
    for directory, _, _ in os.walk(group):
        # A group may vanish, or be of a threaded kind, while we look.
        with contextlib.suppress(OSError):
            found += map(int, Path(directory, "cgroup.procs").read_text().split())
    return found


def kill(group: Path) -> None:
    """End every process in a group and below it, then remove the groups.

    Raises:
        HomeportError: Some process did not end within 20 seconds.
    """
    deadline = time.monotonic() + _KILL_TIMEOUT_S
    while left := processes(group):
        with contextlib.suppress(OSError):
            (group / "cgroup.kill").write_text("1")
        for process in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        if time.monotonic() > deadline:
            raise HomeportError(f"cannot end the processes of {group.name}: {left} do not end")
        time.sleep(0.02)
    remove(group)


def remove(group: Path) -> None:
    """Remove empty groups, and their twins in systemd's own hierarchy."""
    top = next(place for place in _ROOTS if group.is_relative_to(place))
    for tree in (group, _NAMED_V1 / group.relative_to(top)):
        for directory, _, _ in os.walk(tree, topdown=False):
            with contextlib.suppress(OSError):
                Path(directory).rmdir()
