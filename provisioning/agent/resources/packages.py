"""Debian packages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Dict, Tuple

from provisioning.agent.debian import apt
from provisioning.agent.resource import Change, Resource, State, Value
from provisioning.agent.system import System


@dataclass(frozen=True)
class Packages(Resource):
    """Have Debian packages installed, or not installed.

    Whatever version is there is left: upgrades are the business of unattended-upgrades.

    Args:
        label: What they are for.
        names: Packages to have; those that are missing are installed in one go.
        absent: Packages not to have.
    """

    kind: ClassVar[str] = "package"

    label: str
    names: Tuple[str, ...] = ()
    absent: Tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.label

    def desired(self) -> State:
        state: Dict[str, Value] = dict.fromkeys(self.names, "installed")
        state.update(dict.fromkeys(self.absent, "absent"))
        return state

    def actual(self, system: System) -> State:
        installed = system.packages()
        return {
            name: "installed" if name in installed else "absent"
            for name in (*self.names, *self.absent)
        }

    def apply(self, system: System, change: Change) -> None:
        wanted = [name for name in self.names if name in change]
        unwanted = [name for name in self.absent if name in change]
        if system.dry:
            # Also says so now if the archive does not have them.
            brought = apt.simulate(system, wanted) if wanted else ()
            system.act(["apt-get"], why="install packages", installs=[*wanted, *brought])
            return
        if unwanted:
            apt.remove(system, unwanted)
        if wanted:
            apt.install(system, wanted)
