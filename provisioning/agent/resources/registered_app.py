"""An app's place on the host: its name, its directory and its domains are this project's."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import ClassVar, Dict, Iterable, Iterator, List, Optional, Sequence, Set, Tuple

from provisioning.agent.claims import PATH, Claim, Obstacle, thing_id
from provisioning.agent.layout import RUNTIME_UNITS, UNIT_FILES, AppLayout
from provisioning.agent.machine.record import AppEntry
from provisioning.agent.machine.system import System
from provisioning.agent.ownership import things
from provisioning.agent.resource import Change, Resource, State, Value, normalise

UNIT_DIRECTORIES = (UNIT_FILES, RUNTIME_UNITS)


@dataclass(frozen=True)
class RegisteredApp(Resource):
    """Have an app recorded for this project and environment only.

    An app that serves one of its domains may belong to another project or environment, or to this
    one, which has renamed it. Somebody may have made `/srv/<app>` by hand, or units of systemd
    under names that the app's units would have.

    Args:
        app: The app's name.
        domains: The names it is served under; none leaves those that are written down.
    """

    kind: ClassVar[str] = "registered-app"

    app: str
    domains: Tuple[str, ...] = ()

    def __post_init__(self) -> None:
        normalise(self, domains=tuple(sorted(self.domains)))

    @property
    def name(self) -> str:
        return self.app

    def claims(self) -> Iterable[Claim]:
        becomes = "the app's directory, owned by root, with its releases and its data"
        return (Claim(PATH, AppLayout(self.app).root, always=True, becomes=becomes),)

    def obstacles(self, system: System, run: Sequence[Resource]) -> Iterable[Obstacle]:
        # A domain may move from one app of the run to another.
        planned = {each.app for each in run if isinstance(each, RegisteredApp)}
        yield from self._domains_of_others(system, planned)
        yield from self._units_of_others(system)

    def _domains_of_others(self, system: System, planned: Set[str]) -> Iterator[Obstacle]:
        for other, entry in sorted(system.owned.apps.items()):
            taken = sorted(set(entry.domains) & set(self.domains))
            if other == self.app or not taken or other in planned:
                continue
            renamed = entry.owner == system.owner
            yield Obstacle(
                thing_id("domain", taken[0]),
                f"served by the app {other} of {entry.owner}",
                f"served by {self.app}",
                f"`fab remove {other}` first, which keeps {AppLayout(other).shared}; or name the "
                f"app {other} again"
                if renamed
                else f"serve {self.app} under another name, or remove the name from that app",
                can_be_adopted=False,
            )

    def _units_of_others(self, system: System) -> Iterator[Obstacle]:
        """Yield units that would be mixed up with the app's."""
        mine = re.compile(rf"{re.escape(self.app)}(@.*|\..+@.*|-boot\.service)")
        for directory in UNIT_DIRECTORIES:
            for name in system.list(directory):
                path = os.path.join(directory, name)
                if mine.fullmatch(name) and not self._is_ours(system, path):
                    yield Obstacle(
                        thing_id(PATH, path),
                        "a systemd unit that Homeport did not make",
                        "in conflict with the app's units",
                        f"rename [apps.{self.app}], or the unit",
                        can_be_adopted=False,
                    )

    @staticmethod
    def _is_ours(system: System, path: str) -> bool:
        return path.startswith(RUNTIME_UNITS) or things.is_known(system, path)

    def _entry(self, system: System) -> Optional[AppEntry]:
        return system.owned.apps.get(self.app)

    def desired(self) -> State:
        state: Dict[str, Value] = {"is ours": True}
        if self.domains:
            state["domains"] = " ".join(self.domains)
        return state

    def actual(self, system: System) -> State:
        entry = self._entry(system)
        domains: List[str] = sorted(entry.domains) if entry else []
        return {
            "is ours": entry is not None and entry.owner == system.owner,
            "domains": " ".join(domains),
        }

    def apply(self, system: System, change: Change) -> None:
        entry = self._entry(system)
        kept = entry.domains if entry else ()
        system.owned.put_app(self.app, AppEntry(system.owner, self.domains or kept))
