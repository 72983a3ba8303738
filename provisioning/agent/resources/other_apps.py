"""Apps of this project that a host has, and the inventory has no more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Tuple

from provisioning.agent.machine.system import System
from provisioning.agent.resource import Resource, State, normalise


@dataclass(frozen=True)
class OtherApps(Resource):
    """Say which apps of this project stay on the host although the inventory has them no more.

    They go on serving: only `fab remove` takes an app away.

    Args:
        known: The apps that the inventory has on this host.
    """

    kind: ClassVar[str] = "other-apps"

    known: Tuple[str, ...] = ()

    def __post_init__(self) -> None:
        normalise(self, known=tuple(self.known))

    @property
    def name(self) -> str:
        return "host"

    def desired(self) -> State:
        return {}

    def actual(self, system: System) -> State:
        for app, entry in sorted(system.owned.apps.items()):
            if entry.owner == system.owner and app not in self.known:
                system.notes.append(
                    f"the app {app} is no longer in the inventory; it stays on the host and "
                    f"serves {', '.join(entry.domains)}: `fab remove {app}` removes it"
                )
        return {}
