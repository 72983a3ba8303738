"""What every file of a host is at a moment: two listings that are equal mean nothing was touched.

Inode, size, mode, owner, mtime and ctime of everything on the host's disk: a file that was
replaced by one of the same content has another inode, and one that was given the mode that it
had already has another ctime.
"""

from __future__ import annotations

from pathlib import PurePosixPath

from provisioning.lab import LabHost

Listing = dict[str, str]
"""Path -> what it is."""

ROOTS = ("/boot", "/etc", "/home", "/opt", "/root", "/srv", "/usr", "/var")

MOVING = (
    "/var/log",
    "/var/lib/systemd/timers",
    "/var/lib/systemd/timesync",
    "/var/lib/systemd/random-seed",
    "/var/lib/homeport/runs",
)
"""What a host writes by itself, or because somebody logs in; and what runs say of themselves."""

APT_MEMORY = ("/var/lib/apt", "/var/cache/apt")
"""The archive's lists: a check fetches them to know what would be installed."""


def listing_of(host: LabHost, *, without: tuple[str, ...] = ()) -> Listing:
    """Return what is on a host's disk.

    Args:
        host: It runs.
        without: Paths that are left out with all that is below, besides MOVING.
    """
    pruned = " -o ".join(f"-path {path}" for path in (*MOVING, *without))
    shown = host.shell(
        f"find {' '.join(ROOTS)} -xdev \\( {pruned} \\) -prune "
        r"-o -printf '%p\t%y %i %s %m %U:%G %T@ %C@ %l\n'"
    )
    return dict(line.split("\t", 1) for line in shown.splitlines())


def without(listing: Listing, paths: tuple[str, ...]) -> Listing:
    """Return a listing less some paths, all that is below them, and the times of their parents.

    A directory in which something came or went has other times, and so have, on the lab's
    layered disks, all those above it.
    """
    parents = {str(parent) for path in paths for parent in PurePosixPath(path).parents}
    return {
        path: " ".join(entry.split()[:5]) if path in parents else entry
        for path, entry in listing.items()
        if not any(path == each or path.startswith(each + "/") for each in paths)
    }


def touched(before: Listing, after: Listing) -> dict[str, tuple[str | None, str | None]]:
    """Return what differs: path -> what it was and what it is."""
    return {
        path: (before.get(path), after.get(path))
        for path in sorted({*before, *after})
        if before.get(path) != after.get(path)
    }
