"""Wait until a reload has taken effect: `systemctl reload` returns when it was asked for."""

from __future__ import annotations

import os
import time
from typing import Iterator, List

from provisioning.agent.errors import AgentError
from provisioning.agent.machine import systemctl
from provisioning.agent.machine.system import System

RELOAD_S = 60.0
POLL_S = 0.02


def workers_of(system: System, unit: str, title: str) -> List[int]:
    """Return the processes below a unit's main one that take connections.

    Args:
        system: The machine.
        unit: The unit.
        title: What such a process calls itself; one that takes no new connection adds to it.
    """
    main = systemctl.value(system, "MainPID", unit)
    return [pid for pid in _children(system, main) if _takes_connections(system, pid, title)]


def wait_until_replaced(system: System, unit: str, title: str, before: List[int]) -> None:
    """Return when no worker from before a reload accepts connections any more.

    Raises:
        AgentError: They still do after a while: the unit kept what it had loaded.
    """
    deadline = time.monotonic() + RELOAD_S
    while any(_takes_connections(system, pid, title) for pid in before):
        if time.monotonic() > deadline:
            raise AgentError(
                f"{unit} was reloaded, but its workers still use the previous configuration",
                hint=f"find the cause in its log or with journalctl -u {unit} on the host, then "
                "run again",
            )
        time.sleep(POLL_S)


def _children(system: System, parent: str) -> Iterator[int]:
    for pid in filter(str.isdigit, os.listdir("/proc")):
        # Source: proc(5): the fields after the name in parentheses: state, parent, ...
        if _shown(system, int(pid), "stat").rpartition(")")[2].split()[1:2] == [parent]:
            yield int(pid)


def _takes_connections(system: System, pid: int, title: str) -> bool:
    line = _shown(system, pid, "cmdline")
    return line.rstrip("\0 ") == title


def _shown(system: System, pid: int, name: str) -> str:
    try:
        return system.read(f"/proc/{pid}/{name}").decode(errors="replace")
    except ProcessLookupError:  # It ended while it was read.
        return ""
