"""Whether something still uses a release: connections to its socket, processes in its directory."""

from __future__ import annotations

import os
from typing import Container, Set


def connections(path: str) -> int:
    """Return how many connections a unix socket has, established or still queued.

    Source: proc(5), /proc/net/unix: the server's side of a connection carries the path of
    the listening socket; the listening one itself has the flag __SO_ACCEPTCON, 0x10000.
    """
    found = 0
    with open("/proc/net/unix") as table:
        for line in table:
            fields = line.split()
            if len(fields) >= 8 and fields[7] == path and not int(fields[3], 16) & 0x10000:
                found += 1
    return found


def in_use(directory: str, user_ids: Container[int]) -> Set[str]:
    """Return the names of directories below one in which a process works.

    A timer's run, or somebody's shell, that began when a release was live may outlast it.

    Args:
        directory: Of an app's releases.
        user_ids: Whose processes count: the app's and root's. Else any user of the host could
            keep releases from being removed.
    """
    found = set()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            where = os.readlink(f"/proc/{pid}/cwd")
            if where.startswith(directory + os.sep) and _started_by(pid) in user_ids:
                found.add(where[len(directory) + 1 :].split(os.sep)[0])
        except OSError:  # It has ended, or is one of the kernel's.
            continue
    return found


def _started_by(pid: str) -> int:
    """Return the user that a process runs for: the real one.

    The owner of /proc/<pid> is root for what any user runs as setuid. Source: proc(5), "Uid:".
    """
    with open(f"/proc/{pid}/status", errors="replace") as status:
        for line in status:
            if line.startswith("Uid:"):
                return int(line.split()[1])
    return -1
