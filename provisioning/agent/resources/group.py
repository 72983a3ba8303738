"""A group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Iterable

from provisioning.agent.claims import GROUP, Claim
from provisioning.agent.machine.accounts import Account
from provisioning.agent.machine.system import System
from provisioning.agent.resource import Change, Resource, State


@dataclass(frozen=True)
class Group(Resource):
    """Have a group.

    Args:
        label: The group's name.
        system: Give it a number from the range of system groups.
    """

    kind: ClassVar[str] = "group"

    label: str
    system: bool = True

    @property
    def name(self) -> str:
        return self.label

    def claims(self) -> Iterable[Claim]:
        return (Claim(GROUP, self.label),)

    def desired(self) -> State:
        return {"present": True}

    def actual(self, system: System) -> State:
        return {"present": system.group(self.label) is not None}

    def apply(self, system: System, change: Change) -> None:
        system.act(
            ["groupadd", *(["--system"] if self.system else []), self.label],
            why=f"create the group {self.label}",
            groups=[Account(self.label, -1)],
        )
