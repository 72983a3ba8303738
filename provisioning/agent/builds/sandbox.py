"""The sandbox of a build: it may read the system, write its folders and reach the index.

Source of all properties: systemd.exec(5), systemd.resource-control(5), systemd.service(5).
"""

from __future__ import annotations

from typing import List, Sequence

from provisioning.agent.machine.hardening import HARDENING

TIMEOUT_S = 1800
MEMORY = "75%"
"""Share of the host's memory: a build must not take the memory that visitors need."""

TASKS = 1024

DOOR = "/run/index"
"""Where the proxy's socket is for a build; all else of /run is hidden from it."""

STAGED = "/run/sources"
"""Where a build finds what it is made from."""
LIMITS = (
    "LimitCORE=0",
    f"TasksMax={TASKS}",
    f"MemoryMax={MEMORY}",
    "CPUWeight=20",
    "IOWeight=20",
    "Nice=5",
    "OOMPolicy=kill",
    f"RuntimeMaxSec={TIMEOUT_S}",
    "TimeoutStopSec=5",
    "KillMode=control-group",
)
"""Of every build: visitors come first."""

_PROPERTIES = (
    *HARDENING,
    # What unpacks an archive gives files to their owner, which it is already.
    "SystemCallFilter=@chown",
    "PrivateNetwork=yes",
    "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6",
    "UMask=0022",
    # No app's files, no socket of anybody's, no memory shared with others.
    "TemporaryFileSystem=/srv:ro",
    "TemporaryFileSystem=/run:ro",
    "TemporaryFileSystem=/dev/shm:size=10%,mode=1777",
    *LIMITS,
)


def properties(
    *, user: str, name: str, path: str, proxy: str, staged: str, shown: Sequence[str] = ()
) -> List[str]:
    """Return the properties of a build's transient unit, "Key=Value".

    Args:
        user: Its user, who is there only while it runs.
        name: Of its folders: `/var/lib/private/<name>`, which it sees at `path`, and
            `/var/cache/private/<name>`, which it has for itself over all its builds.
        path: Where what is built will be: scripts in it name this path.
        proxy: The directory on the host in which the proxy's socket is.
        staged: The directory on the host with what it is made from.
        shown: Directories below /srv that it may read.
    """
    return [
        "DynamicUser=yes",
        f"User={user}",
        f"StateDirectory={name}",
        "StateDirectoryMode=0700",
        f"CacheDirectory={name}",
        "CacheDirectoryMode=0700",
        *_PROPERTIES,
        f"BindPaths=/var/lib/private/{name}:{path}",
        f"BindReadOnlyPaths={proxy}:{DOOR}",
        f"BindReadOnlyPaths={staged}:{STAGED}",
        *(f"BindReadOnlyPaths={each}" for each in shown),
    ]
