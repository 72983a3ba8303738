"""Debian packages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Dict, Iterable, List, Mapping, Sequence, Tuple

from provisioning.agent.claims import PACKAGE, PATH, Claim, Obstacle, thing_id
from provisioning.agent.debian import apt
from provisioning.agent.machine import systemctl
from provisioning.agent.machine.system import System
from provisioning.agent.resource import Change, Resource, State, Value


@dataclass(frozen=True)
class Packages(Resource):
    """Have Debian packages installed, or not installed.

    Whatever version is there is left: upgrades are the business of unattended-upgrades.

    Args:
        label: What they are for.
        names: Packages to have; those that are missing are installed in one go. "a | b" is content
            with any of them, and installs the first.
        absent: Packages not to have.
        unasked: Files that their installation puts into places of others: where one was not there
            before, it is removed right after. Meanwhile it is in the record, so that a run that is
            cut off in between leaves it to the next one.
        unstarted: Units that their installation must not start: a mask until the next boot keeps
            them, and `Service` removes one that a run which was cut off has left.
    """

    kind: ClassVar[str] = "packages"

    label: str
    names: Tuple[str, ...] = ()
    absent: Tuple[str, ...] = ()
    unasked: Tuple[str, ...] = ()
    unstarted: Tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.label

    def as_input(self) -> Dict[str, Any]:
        # As it always was: what was restarted for it must not be so for another word alone.
        values = {**super().as_input(), "kind": "package"}
        values.pop("unasked", None)
        values.pop("unstarted", None)
        return values

    def claims(self) -> Iterable[Claim]:
        yield from (Claim(PACKAGE, first_of(name), keys=(name,)) for name in self.names)
        yield from (Claim(PACKAGE, name, keys=(name,), removes=True) for name in self.absent)

    def obstacles(self, system: System, run: Sequence[Resource]) -> Iterable[Obstacle]:
        """Yield the packages that apt would take away to make room for those of the whole run."""
        installed = system.packages()
        lack = [each for each in run if isinstance(each, Packages) and each.lacking(installed)]
        # apt is asked once, by the first of them.
        if not lack or lack[0] is not self:
            return
        lacking = sorted({name for each in lack for name in each.lacking(installed)})
        for name in apt.conflicting(system, lacking):
            yield Obstacle(
                thing_id(PACKAGE, name),
                f"version {installed.get(name, '?')}, installed",
                f"removed by apt, to install {', '.join(lacking)}",
            )

    def desired(self) -> State:
        state: Dict[str, Value] = dict.fromkeys(self.names, "installed")
        state.update(dict.fromkeys(self.absent, "absent"))
        state.update(dict.fromkeys(self.unasked))
        return state

    def actual(self, system: System) -> State:
        installed = system.packages()
        state: Dict[str, Value] = {
            name: "installed" if is_installed(name, installed) else "absent"
            for name in (*self.names, *self.absent)
        }
        left = (path for path in self.unasked if _is_left(system, path))
        return {**state, **dict.fromkeys(left, "left by an interrupted run")}

    def lacking(self, installed: Mapping[str, str]) -> List[str]:
        """Return the packages that are to be installed."""
        return [first_of(name) for name in self.names if not is_installed(name, installed)]

    def apply(self, system: System, change: Change) -> None:
        wanted = [first_of(name) for name in self.names if name in change]
        unwanted = [name for name in self.absent if name in change]
        if system.dry:
            # Also says so now if the archive does not have them.
            brought = apt.simulate(system, wanted) if wanted else ()
            if wanted or unwanted:
                system.act(["apt-get"], why="install packages", installs=[*wanted, *brought])
            self._remove_unasked(system)
            return
        if unwanted:
            apt.remove(system, unwanted)
        if wanted:
            new = [thing_id(PATH, path) for path in self.unasked if system.stat(path) is None]
            system.owned.add(system.owner, new)
            self._install(system, wanted)
        self._remove_unasked(system)

    def _install(self, system: System, wanted: Sequence[str]) -> None:
        kept = [unit for unit in self.unstarted if system.unit(unit).load == "not-found"]
        if kept:
            systemctl.attempt(system, "mask", "--runtime", *kept)
        try:
            apt.install(system, wanted)
        finally:
            if kept:
                systemctl.attempt(system, "unmask", "--runtime", *kept)

    def _remove_unasked(self, system: System) -> None:
        for path in self.unasked:
            thing = thing_id(PATH, path)
            if system.owned.has(thing):
                system.remove(path)
                system.owned.forget([thing])


def _is_left(system: System, path: str) -> bool:
    """Return whether a file is there that an installation of ours has put there."""
    return system.owned.has(thing_id(PATH, path)) and system.stat(path) is not None


def first_of(name: str) -> str:
    """Return the package to install if none of the alternatives is installed."""
    return name.split("|")[0].strip()


def is_installed(name: str, installed: Mapping[str, str]) -> bool:
    """Return whether a package, or one of its alternatives, is there."""
    return any(each.strip() in installed for each in name.split("|"))
