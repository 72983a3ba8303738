"""No downloaded Python that no app uses."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import ClassVar, List

from provisioning.agent import layout
from provisioning.agent.apps.runtimes.virtualenv import interpreters
from provisioning.agent.machine.system import System
from provisioning.agent.resource import Change, Resource, State


@dataclass(frozen=True)
class UnusedPythons(Resource):
    """Have no Python of uv's that nothing which an app on the host runs on was made with.

    Args:
        label: Any name.
    """

    kind: ClassVar[str] = "unused-pythons"

    label: str

    @property
    def name(self) -> str:
        return self.label

    def desired(self) -> State:
        return {"to remove": ""}

    def actual(self, system: System) -> State:
        return {"to remove": " ".join(self._unused(system))}

    def apply(self, system: System, change: Change) -> None:
        for name in self._unused(system):
            path = os.path.join(layout.PYTHONS, name)
            # What is removed half-way must not be taken for whole.
            system.remove(os.path.join(path, layout.READY))
            system.remove(path)

    def _unused(self, system: System) -> List[str]:
        there = system.list(layout.PYTHONS)
        used = {self._name_of(each) for each in interpreters(system)} if there else set()
        return [name for name in there if name not in used]

    @staticmethod
    def _name_of(program: str) -> str:
        """Return the name below the directory of these Pythons; of others it is ".."."""
        return os.path.relpath(program, layout.PYTHONS).split("/")[0]
