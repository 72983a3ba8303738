"""What a unit has printed."""

from __future__ import annotations

import contextlib
from typing import List

from provisioning.agent.errors import AgentError
from provisioning.agent.system import System

SYNC_S = 10.0


def last_lines(system: System, unit: str, count: int) -> List[str]:
    """Return the last lines that a unit has printed, oldest first; none if nobody knows."""
    # On a busy host what a process says last arrives after it has ended. Source: journalctl(1).
    with contextlib.suppress(AgentError):
        system.run(["journalctl", "--sync"], timeout_s=SYNC_S)
    shown = system.run(["journalctl", "--no-pager", "-o", "cat", "-n", str(count), "-u", unit])
    return shown.stdout.strip().splitlines()
