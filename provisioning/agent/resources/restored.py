"""Have the things that a person handed over as they were before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Iterable, Sequence

from provisioning.agent.claims import PATH, Obstacle, thing_id
from provisioning.agent.layout import AppLayout
from provisioning.agent.machine.system import System
from provisioning.agent.ownership import backups
from provisioning.agent.resource import Change, Resource, State


@dataclass(frozen=True)
class Restored(Resource):
    """Have the copies put back that were kept when a person handed things over.

    Args:
        when: The time in the copies' directory, e.g. "20260102T030405Z".
    """

    kind: ClassVar[str] = "restored"

    when: str

    @property
    def name(self) -> str:
        return self.when

    def obstacles(self, system: System, run: Sequence[Resource]) -> Iterable[Obstacle]:
        """Yield copies of another owner, and apps that run in what would be put back."""
        kept = backups.kept(system).get(self.when)
        if kept is not None and kept.owner != system.owner:
            yield Obstacle(
                f"copy:{self.when}",
                f"a copy made for {kept.owner}",
                f"restored by {system.owner}",
                "restore it from that project and environment",
                can_be_adopted=False,
            )
        entries = kept.things if kept else []
        for app in system.owned.apps:
            root = thing_id(PATH, AppLayout(app).root)
            if any(f"{entry['id']}/".startswith(f"{root}/") for entry in entries):
                yield Obstacle(
                    root,
                    f"the running app {app}",
                    "what was there before the app",
                    f"`fab remove {app}` first",
                    can_be_adopted=False,
                )

    def desired(self) -> State:
        return {"to put back": ""}

    def actual(self, system: System) -> State:
        kept = backups.kept(system).get(self.when)
        if kept is None:
            return {"to put back": "a copy that is not there"}
        left = "" if kept.is_restored else " ".join(each["id"] for each in kept.things)
        return {"to put back": left}

    def apply(self, system: System, change: Change) -> None:
        backups.restore(self.when, system)
