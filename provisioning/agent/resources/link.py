"""A symbolic link."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Iterable

from provisioning.agent.claims import PATH, Claim
from provisioning.agent.machine.system import DIRECTORY, LINK, System
from provisioning.agent.resource import Change, Resource, State


@dataclass(frozen=True)
class Link(Resource):
    """Have a symbolic link.

    Args:
        path: Absolute.
        target: Where it leads; need not exist.
    """

    kind: ClassVar[str] = "link"

    path: str
    target: str

    @property
    def name(self) -> str:
        return self.path

    def claims(self) -> Iterable[Claim]:
        return (Claim(PATH, self.path),)

    def desired(self) -> State:
        return {"type": LINK, "target": self.target}

    def actual(self, system: System) -> State:
        found = system.stat(self.path)
        return {"type": found.type, "target": found.target} if found else {}

    def apply(self, system: System, change: Change) -> None:
        if change.get("type", (None,))[0] == DIRECTORY:
            system.remove(self.path)
        system.link(self.path, self.target)
