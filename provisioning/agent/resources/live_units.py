"""The processes and timers of the live release run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from provisioning.agent.release_units import ReleaseUnits
from provisioning.agent.releases import Releases
from provisioning.agent.resource import Change, Resource, State
from provisioning.agent.system import System


@dataclass(frozen=True)
class LiveUnits(Resource):
    """Have the processes and timers that the live release brings, and no other timers.

    Which release that is, only the pointer says: after a switch, these are the new release's;
    before a deploy, the same completes what a run that was cut off has left.

    Args:
        app: The app's name.
        label: "before" or "after".
    """

    kind: ClassVar[str] = "liveunits"

    app: str
    label: str = "after"

    @property
    def name(self) -> str:
        return f"{self.app} {self.label}"

    def desired(self) -> State:
        return {"to put in order": ""}

    def actual(self, system: System) -> State:
        return {"to put in order": " ".join(ReleaseUnits(self.app, system).wrong())}

    def apply(self, system: System, change: Change) -> None:
        if system.dry:
            return
        units = ReleaseUnits(self.app, system)
        wanted = units.files(Releases(self.app, system).live)
        units.remove_timers([name for name in units.wrong() if name not in wanted])
        units.start(wanted)
