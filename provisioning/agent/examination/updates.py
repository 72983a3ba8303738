"""Updates of Debian packages that are due."""

from __future__ import annotations

import os
import re
from typing import Optional

from provisioning.agent.answers import Updates
from provisioning.agent.debian import apt_lists
from provisioning.agent.errors import AgentError
from provisioning.agent.machine.system import System

SIMULATE = (
    "apt-get", "--simulate", "-o", "Debug::NoLocking=1",
    # It would write its caches anew. Source: apt.conf(5), Dir::Cache.
    "-o", "Dir::Cache::pkgcache=", "-o", "Dir::Cache::srcpkgcache=", "dist-upgrade",
)  # fmt: skip

INSTALLS = re.compile(r"^Inst (\S+) \[[^\]]*\] \((\S+) ([^)]*)\)", re.M)
"""A line of a simulation, of a package that is installed in an earlier version."""

REBOOT = "/run/reboot-required"
"""Source: Debian's update-notifier-common and unattended-upgrades."""

ENABLED = re.compile(r'^APT::Periodic::Unattended-Upgrade "(\d+|always)', re.M)

MOST = 200


def updates(system: System) -> Optional[Updates]:
    """Return what is due; None where that cannot be asked."""
    try:
        simulated = system.run(SIMULATE, timeout_s=60)
        settings = system.run(["apt-config", "dump"]).stdout
    except AgentError:
        return None
    if simulated.status != 0:
        return None
    found = {each[1]: each[3] for each in INSTALLS.finditer(simulated.stdout)}
    enabled = ENABLED.findall(settings)
    return Updates(
        pending=tuple(sorted(found)[:MOST]),
        # "1.2 Debian-Security:12/stable-security [amd64]"
        security=tuple(sorted(each for each in found if "security" in found[each].lower())[:MOST]),
        lists_at=_changed(apt_lists.LISTS),
        automatic=enabled[-1:] not in ([], ["0"]) and "unattended-upgrades" in system.packages(),
        reboot=os.path.exists(REBOOT),
    )


def _changed(path: str) -> float:
    try:
        return os.stat(path).st_mtime
    except OSError:
        return 0.0
