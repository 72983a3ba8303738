"""The run that is under way in the background."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional

from provisioning.agent.machine.system import System
from provisioning.agent.runs.relay import current_run


def answer(message: Mapping[str, Any], system: System) -> Optional[Dict[str, Any]]:
    """Return the run in the background; None if there is none."""
    now = current_run()
    return None if now is None else now.values()
