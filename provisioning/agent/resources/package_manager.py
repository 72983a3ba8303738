"""Debian's package manager itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from provisioning.agent.debian import apt
from provisioning.agent.machine import dpkg
from provisioning.agent.machine.system import System
from provisioning.agent.resource import Change, Resource, State


@dataclass(frozen=True)
class PackageManager(Resource):
    """Have the package manager ready: no interrupted installation is left half done."""

    kind: ClassVar[str] = "package-manager"

    @property
    def name(self) -> str:
        return "apt"

    def desired(self) -> State:
        return {"state": "ready"}

    def actual(self, system: System) -> State:
        left = apt.interrupted(system)
        return {"state": f"interrupted at {left}" if left else "ready"}

    def apply(self, system: System, change: Change) -> None:
        if system.dry:
            halves = dpkg.unfinished(dpkg.database(system))
            completed = [name for name, wanted in halves.items() if wanted]
            system.act(["dpkg"], why="complete it", installs=completed)
            return
        apt.complete(system)
