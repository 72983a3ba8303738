"""What a controller may ask without changing anything: one file each, and this list.

Each file has a function `answer`, which returns plain values; their shape stands in
provisioning/protocol/answers.py. It is loaded when somebody asks: most commands ask little.
"""

from __future__ import annotations

import importlib
from typing import Any, Mapping

from provisioning.agent.errors import AgentError
from provisioning.agent.machine.system import System

QUERIES = ("app", "caller", "doctor", "facts", "logs", "owned", "run", "secrets", "status")


def answer(name: str, values: Mapping[str, Any], system: System) -> Any:
    """Answer a query.

    Args:
        name: Which one.
        values: What it needs besides.
        system: The machine.

    Raises:
        AgentError: the query is unknown or cannot be answered.
    """
    if name not in QUERIES:
        raise AgentError(f"unknown query {name!r}")
    return importlib.import_module(f"{__name__}.{name}").answer(values, system)
