"""The folders that an app writes to."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import ClassVar, List, Set, Tuple

from provisioning.agent.apps import shared
from provisioning.agent.layout import AppLayout
from provisioning.agent.machine.system import DIRECTORY, System
from provisioning.agent.resource import Change, Resource, State, normalise


@dataclass(frozen=True)
class SharedFolders(Resource):
    """Have the folders of an app that survive its releases, each its own.

    The folder that holds them, `/srv/<app>/shared`, is there. What the app has put in the way of
    one of them stays, and is said: it is the app's own affair, and stops nothing.

    Args:
        app: The app's name.
        folders: Paths below `shared`.
    """

    kind: ClassVar[str] = "shared-folders"

    app: str
    folders: Tuple[str, ...] = ()

    def __post_init__(self) -> None:
        normalise(self, folders=tuple(self.folders))

    @property
    def name(self) -> str:
        return self.app

    def desired(self) -> State:
        return {"to make": ""}

    def actual(self, system: System) -> State:
        return {"to make": " ".join(self._wrong(system))}

    def _wrong(self, system: System) -> List[str]:
        if system.dry:
            return self._wrong_as_believed(system)
        return [
            path
            for path in shared.prefixes(self.folders)
            if self._full(path) not in system.left and not shared.is_right(self.app, path, system)
        ]

    def _wrong_as_believed(self, system: System) -> List[str]:
        """Return the same by what a check believes to be there, which no descriptor can show."""
        wrong: List[str] = []
        ways: Set[str] = set()
        for path in shared.prefixes(self.folders):
            # Behind what the app has put in the way is nothing of ours.
            found = None if os.path.dirname(path) in ways else system.stat(self._full(path))
            if os.path.dirname(path) in ways or (found is not None and found.type != DIRECTORY):
                ways.add(path)
            elif found is None or (found.mode, found.owner, found.group) != self._attributes:
                wrong.append(path)
        return wrong

    @property
    def _attributes(self) -> Tuple[str, str, str]:
        return f"{shared.MODE:04o}", self.app, self.app

    def _full(self, path: str) -> str:
        return os.path.join(AppLayout(self.app).shared, path)

    def apply(self, system: System, change: Change) -> None:
        mode, owner, group = self._attributes
        for path in self._wrong(system):
            if system.dry:
                system.make_directory(self._full(path), mode=mode, owner=owner, group=group)
            else:
                shared.make(self.app, path, system)
        for path in () if system.dry else self._wrong(system):
            # It is being moved away while we look: that must not end a run.
            shared.leave(self.app, path, system)
