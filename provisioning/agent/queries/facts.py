"""The facts of the host."""

from __future__ import annotations

from typing import Any, Dict, Mapping

from provisioning.agent.machine.system import System
from provisioning.agent.read_facts import gather_facts


def answer(message: Mapping[str, Any], system: System) -> Dict[str, Any]:
    """Return the facts; see `Facts.to_json`.

    Args:
        message: "candidates": what is looked at of programs that may not be installed.
        system: The machine.
    """
    return gather_facts(system, message.get("candidates", ())).to_json()
