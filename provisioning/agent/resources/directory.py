"""A directory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Iterable

from provisioning.agent.claims import PATH, Claim
from provisioning.agent.machine.system import DIRECTORY, System
from provisioning.agent.resource import Change, Resource, State


@dataclass(frozen=True)
class Directory(Resource):
    """Have a directory with this mode and owner; its content is not changed.

    Args:
        path: Absolute. Parents that are missing are made root's, 0755.
        mode: Octal, with the leading zero.
        owner, group: Names.
    """

    kind: ClassVar[str] = "directory"

    path: str
    mode: str = "0755"
    owner: str = "root"
    group: str = "root"

    @property
    def name(self) -> str:
        return self.path

    def claims(self) -> Iterable[Claim]:
        return (Claim(PATH, self.path),)

    def desired(self) -> State:
        return {
            "type": DIRECTORY,
            "mode": self.mode,
            "owner": self.owner,
            "group": self.group,
        }

    def actual(self, system: System) -> State:
        found = system.stat(self.path)
        if found is None:
            return {}
        return {
            "type": found.type,
            "mode": found.mode,
            "owner": found.owner,
            "group": found.group,
        }

    def apply(self, system: System, change: Change) -> None:
        if change.get("type", (None,))[0] is not None:
            system.remove(self.path)
        system.make_directory(self.path, mode=self.mode, owner=self.owner, group=self.group)
