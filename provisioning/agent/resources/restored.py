"""What a person has handed over is as it was before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from provisioning.agent.ownership import backups
from provisioning.agent.resource import Change, Resource, State
from provisioning.agent.system import System


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

    def desired(self) -> State:
        return {"to put back": ""}

    def actual(self, system: System) -> State:
        entries = backups.kept(system).get(self.when)
        if entries is None:
            return {"to put back": "a copy that is not there"}
        return {
            "to put back": " ".join(each["id"] for each in entries if system.owned.has(each["id"]))
        }

    def apply(self, system: System, change: Change) -> None:
        backups.restore(self.when, system)
