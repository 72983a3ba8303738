"""Clock, memory, disks and units of this host."""

from __future__ import annotations

import os
import re
from typing import Dict, Tuple

from provisioning.agent.answers import FileSystem
from provisioning.agent.errors import AgentError
from provisioning.agent.machine.system import System

PLACES = ("/", "/var", "/var/log", "/srv", "/tmp", "/boot")  # noqa: S108  # nosec B108 # looked at
"""Where file systems of their own matter."""

SYNCHRONISED = ("timedatectl", "show", "--property=NTPSynchronized", "--value")


def clock(system: System) -> str:
    """Return whether the clock is synchronised: "yes", "no"; "" where nobody knows."""
    try:
        said = system.run(SYNCHRONISED, timeout_s=20).stdout.strip()
    except AgentError:
        return ""
    return said if said in ("yes", "no") else ""


def memory(system: System) -> Tuple[int, int]:
    """Return all memory, and what programs could still get, in MiB. Source: proc(5)."""
    text = system.read("/proc/meminfo").decode()
    found = dict(re.findall(r"^(\w+):\s+(\d+) kB", text, re.M))
    return int(found.get("MemTotal", 0)) // 1024, int(found.get("MemAvailable", 0)) // 1024


def file_systems() -> Tuple[FileSystem, ...]:
    """Return how full those are that matter, each once."""
    found: Dict[int, FileSystem] = {}
    for path in filter(os.path.isdir, PLACES):
        device = os.stat(path).st_dev
        if device not in found:
            found[device] = _file_system(path)
    return tuple(found.values())


def _file_system(path: str) -> FileSystem:
    said = os.statvfs(path)
    inodes = round(100 * said.f_favail / said.f_files) if said.f_files else None
    # As df(1): what root alone may use is not free.
    usable = said.f_blocks - said.f_bfree + said.f_bavail
    return FileSystem(path, round(100 * said.f_bavail / usable) if usable else 0, inodes)
