"""Nothing at a path."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import ClassVar, Iterable

from provisioning.agent.claims import PATH, Claim
from provisioning.agent.machine import files
from provisioning.agent.machine.system import LINK, System
from provisioning.agent.resource import Change, Resource, State


@dataclass(frozen=True)
class Absent(Resource):
    """Have no file, link or directory at a path.

    Args:
        path: Absolute. A directory goes with all that is in it.
        unless: A path: while it is there, what is at `path` may be there too.
    """

    kind: ClassVar[str] = "absent"

    path: str
    unless: str = ""

    @property
    def name(self) -> str:
        return self.path

    def claims(self) -> Iterable[Claim]:
        return (Claim(PATH, self.path, removes=True),)

    def desired(self) -> State:
        return {"type": None}

    def actual(self, system: System) -> State:
        found = system.stat(self.path)
        if found is None or (self.unless and _leads_somewhere(system, self.unless)):
            return {"type": None}
        return {"type": found.type}

    def apply(self, system: System, change: Change) -> None:
        system.remove(self.path)


def _leads_somewhere(system: System, path: str) -> bool:
    """Return whether something is at a path, or at the end of the links there."""
    found = system.stat(path)
    for _ in range(files.MOST_LINKS):
        if found is None or found.type != LINK:
            break
        path = os.path.normpath(os.path.join(os.path.dirname(path), found.target))
        found = system.stat(path)
    return found is not None
