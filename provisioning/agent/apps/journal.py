"""What a unit has printed: to the journal, or to a file."""

from __future__ import annotations

import contextlib
import os
from typing import List

from provisioning.agent.errors import AgentError
from provisioning.agent.machine.system import System

SYNC_S = 10.0
LAST_BYTES = 1 << 16


def last_lines(system: System, unit: str, count: int) -> List[str]:
    """Return the last lines that a unit has printed, oldest first; empty if they are not known."""
    # On a busy host what a process says last arrives after it has ended. Source: journalctl(1).
    with contextlib.suppress(AgentError):
        system.run(["journalctl", "--sync"], timeout_s=SYNC_S)
    shown = system.run(["journalctl", "--no-pager", "-o", "cat", "-n", str(count), "-u", unit])
    return shown.stdout.strip().splitlines()


def last_lines_of(path: str) -> List[str]:
    """Return the last lines of a file, oldest first; none if it is not there."""
    try:
        with open(path, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - LAST_BYTES))
            return file.read().decode(errors="replace").strip("\n").splitlines()
    except OSError:
        return []
