"""Which settings of an app a host was provisioned with, so that others can tell what waits."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import ClassVar, Dict, Mapping

from provisioning.agent.machine.memory import Memory
from provisioning.agent.machine.system import System
from provisioning.agent.resource import Change, Resource, State


@dataclass(frozen=True)
class AppliedSettings(Resource):
    """Have the host remember the settings that the resources before this one were made of.

    It is the last one of an app: a run that ends before it leaves what was applied before.

    Args:
        app: The app's name.
        settings: Name of a setting -> digest of its value. One that is not there has its default.
    """

    kind: ClassVar[str] = "applied-settings"

    app: str
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.app

    def desired(self) -> State:
        return {"settings": _digest(json.dumps(dict(self.settings), sort_keys=True))}

    def actual(self, system: System) -> State:
        remembered = system.memory.recall(self.id)
        return {"settings": _digest(remembered) if remembered else None}

    def apply(self, system: System, change: Change) -> None:
        system.memory.remember(self.id, json.dumps(dict(self.settings), sort_keys=True))


def applied_settings(memory: Memory, app: str) -> Dict[str, str]:
    """Return the settings that an app was provisioned with; {} where nobody knows."""
    try:
        return dict(json.loads(memory.recall(AppliedSettings(app).id) or "{}"))
    except ValueError:
        return {}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
