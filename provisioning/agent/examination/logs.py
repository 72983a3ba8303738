"""Where logs go, and whether something bounds them."""

from __future__ import annotations

import os
import stat
from typing import Dict

from provisioning.agent.answers import Logs
from provisioning.agent.machine import systemctl
from provisioning.agent.machine.files import open_directory
from provisioning.agent.machine.files.trees import Entry, walk
from provisioning.agent.machine.system import System

DIRECTORY = "/var/log"
JOURNAL = DIRECTORY + "/journal"

LARGE_BYTES = 512 << 20
"""A log of a week of a busy site; what is larger is not rotated, or not often enough."""

MOST = 20
DEPTH = 16


def logs(system: System) -> Logs:
    """Return where logs go, and which are large."""
    sizes = _sizes()
    journal = sum(size for path, size in sizes.items() if path.startswith(JOURNAL + "/"))
    large = {
        path: size
        for path, size in sizes.items()
        if size > LARGE_BYTES and not path.startswith(JOURNAL + "/")
    }
    return Logs(
        persistent=os.path.isdir(JOURNAL),
        journal_bytes=journal,
        rotates=systemctl.value(system, "ActiveState", "logrotate.timer") == "active"
        or os.path.exists("/etc/cron.daily/logrotate")
        and os.path.exists("/usr/sbin/cron"),
        large=dict(sorted(large.items())[:MOST]),
    )


def _sizes() -> Dict[str, int]:
    """Return path -> size of all that is logged; daemons own directories there."""
    found: Dict[str, int] = {}

    def visit(here: int, entry: Entry) -> None:
        parts, what = entry
        if stat.S_ISREG(what.st_mode):
            found["/".join((DIRECTORY, *parts))] = what.st_size

    top = open_directory(DIRECTORY)
    try:
        walk(top, visit, most_depth=DEPTH)
    except OSError:
        # A file that is rotated meanwhile is no longer there.
        return found
    finally:
        os.close(top)
    return found
