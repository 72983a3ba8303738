"""Nothing at a path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from provisioning.agent.resource import Change, Resource, State
from provisioning.agent.system import System


@dataclass(frozen=True)
class Absent(Resource):
    """Have no file, link or directory at a path.

    Args:
        path: Absolute. A directory goes with all that is in it.
    """

    kind: ClassVar[str] = "absent"

    path: str

    @property
    def name(self) -> str:
        return self.path

    def desired(self) -> State:
        return {"type": None}

    def actual(self, system: System) -> State:
        found = system.stat(self.path)
        return {"type": found.type if found else None}

    def apply(self, system: System, change: Change) -> None:
        system.remove(self.path)
