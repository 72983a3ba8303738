"""The values of an app's generated secrets, for another host of the app."""

from __future__ import annotations

from typing import Any, Dict, Mapping

from provisioning.agent.apps.environment import generated_secrets
from provisioning.agent.machine.system import System


def answer(message: Mapping[str, Any], system: System) -> Dict[str, str]:
    """Return name -> value.

    Args:
        message: "app".
        system: The machine.
    """
    return generated_secrets(system, message["app"])
