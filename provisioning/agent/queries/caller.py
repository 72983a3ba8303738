"""From where the person who runs the command has logged in."""

from __future__ import annotations

import os
from typing import Any, Mapping

from provisioning.agent.machine.system import System

VARIABLE = b"SSH_CONNECTION="
"""Client's address, its port, our address, our port. Source: ssh(1), "ENVIRONMENT"."""


def answer(message: Mapping[str, Any], system: System) -> str:
    """Return the address that the SSH connection of this agent comes from, or "".

    sudo takes the variable away, so the processes that we were started by are asked too.
    """
    pid = os.getpid()
    while pid > 1:
        for each in system.read(f"/proc/{pid}/environ").split(b"\0"):
            if each.startswith(VARIABLE):
                return each[len(VARIABLE) :].decode(errors="replace").split(" ")[0]
        # Source: proc(5): the fields after the name in parentheses: state, parent, ...
        stat = system.read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
        pid = int(stat[1]) if len(stat) > 1 else 0
    return ""
