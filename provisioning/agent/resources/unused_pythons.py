"""No downloaded Python that no virtualenv uses."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import ClassVar, List, Set

from provisioning.agent import layout
from provisioning.agent.apps.runtimes.virtualenv import SHAPE
from provisioning.agent.layout import AppLayout
from provisioning.agent.machine import files
from provisioning.agent.machine.system import LINK, System
from provisioning.agent.ownership.things import APPS
from provisioning.agent.resource import Change, Resource, State

_VIRTUALENV = re.compile(SHAPE)


@dataclass(frozen=True)
class UnusedPythons(Resource):
    """Have no Python of uv's that no virtualenv of any app on the host was made with.

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
        used = self._used(system) if there else set()
        return [name for name in there if name not in used]

    def _used(self, system: System) -> Set[str]:
        """Return the names of those that the virtualenvs of apps lead to, whoever has the apps."""
        used = set()
        for app in system.list(APPS):
            venvs = AppLayout(app).venvs
            for name in system.list(venvs):
                link = os.path.join(venvs, name, "bin", "python")
                found = system.stat(link) if _VIRTUALENV.fullmatch(name) else None
                if found is not None and found.type == LINK:
                    target = os.path.normpath(files.readlink(link))
                    below = os.path.relpath(target, layout.PYTHONS)
                    used.add(below.split("/")[0])
        return used
