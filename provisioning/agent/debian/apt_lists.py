"""apt's package lists: fetched if they are missing, old or bad.

They are apt's cache, not the host's state, so a check fetches them too.
"""

from __future__ import annotations

import os
import re
import time

from provisioning.agent import layout
from provisioning.agent.debian import apt_locks, apt_sources
from provisioning.agent.debian.apt_get import apt_get, errors
from provisioning.agent.errors import AgentError
from provisioning.agent.machine import disk
from provisioning.agent.machine.programs import Completed
from provisioning.agent.machine.system import System

LISTS = "/var/lib/apt/lists"
SOURCES = "/etc/apt/sources.list.d"
INDEXES = "/var/cache/apt"
UPDATE_MB = 32
"""With less there is no room for the lists, and apt may wait forever when the disk is full."""

UPDATE_S = 900.0
"""For some 10 MB: enough time also on a slow connection."""

LISTS_AGE_S = 24 * 3600
"""Older lists name package versions that the archive may no longer have."""

_BAD_LISTS = re.compile(
    # The archive has moved on since.
    r"404 +Not Found|Unable to fetch|Hash Sum mismatch|unexpected size"
    # A list that a power cut or a full disk has cut short, or torn.
    r"|Unable to locate package|has no installation candidate|unmet dependencies"
    r"|Unable to parse|could not be parsed|MergeList|is corrupted"
)


def ensure_lists(system: System) -> None:
    """Fetch the package lists if they are missing or old."""
    for trouble in apt_sources.in_trouble(Completed(0, _first_log(system), ""), system):
        apt_sources.warn(system, f"apt cannot fetch the lists of {trouble}")
    try:
        newest = max(
            os.stat(os.path.join(LISTS, name)).st_mtime
            for name in os.listdir(LISTS)
            if name.endswith(("Packages", "InRelease", ".lz4", ".gz", ".xz"))
        )
    except (OSError, ValueError):
        newest = 0
    if time.time() - newest > LISTS_AGE_S:
        update(system)


def update(system: System) -> None:
    """Fetch the package lists."""
    left_mb = disk.free_mb(os.path.dirname(LISTS))
    if left_mb < UPDATE_MB:
        raise AgentError(
            f"cannot fetch Debian's package lists: the disk has only {left_mb} MB left",
            hint=disk.HINT,
        )
    system.say("fetching Debian's package lists")
    done = apt_get(system, "update", "--error-on=any", timeout_s=UPDATE_S)
    if done.status == 0:
        return
    troubles = apt_sources.in_trouble(done, system)
    if not (troubles or system.unreadable_sources) or not _has_lists(system):
        raise AgentError(
            "cannot fetch Debian's package lists",
            hint="check the host's network and /etc/apt/sources.list*; on the host, `apt-get "
            "update` shows the same error",
            output="\n".join([*troubles, errors(done)]),
        )
    for trouble in troubles:
        # What is wanted may well come from the others: if it does not, that is told.
        apt_sources.warn(system, f"apt cannot fetch the lists of {trouble}")


def _first_log(system: System) -> str:
    """Return what apt said when lists were fetched for the Python that this run has borrowed."""
    return system.read(os.path.join(layout.BORROWED_PYTHON, "lists.log")).decode(errors="replace")


def _has_lists(system: System) -> bool:
    return any("_Packages" in name for name in system.list(LISTS))


def renew(system: System) -> None:
    """Fetch the package lists as if there were none.

    `apt-get update` alone leaves a list that is damaged: it believes its own note of what
    it fetched last.
    """
    apt_locks.wait(system)
    for directory, name in ((LISTS, "_"), (INDEXES, "pkgcache.bin")):
        for each in system.list(directory):
            # In memory a check changes nothing, but lists are a cache and no part of the host.
            if name in each and os.path.isfile(os.path.join(directory, each)):
                os.unlink(os.path.join(directory, each))
    update(system)


def with_good_lists(system: System, *arguments: str) -> Completed:
    """Run apt-get; run it again with new lists if the lists caused its failure."""
    done = apt_get(system, *arguments)
    if done.status != 0 and _BAD_LISTS.search(done.stdout + done.stderr):
        renew(system)
        done = apt_get(system, *arguments)
    return done
