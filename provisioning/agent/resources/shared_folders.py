"""The folders that an app writes to."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import ClassVar, List, Set, Tuple

from provisioning.agent.apps import shared
from provisioning.agent.apps.releases import Releases
from provisioning.agent.layout import AppLayout
from provisioning.agent.machine.system import DIRECTORY, FILE, System
from provisioning.agent.resource import Change, Resource, State, normalise


@dataclass(frozen=True)
class SharedFolders(Resource):
    """Have what survives the releases of an app, each folder its own.

    The folder that holds it, `/srv/<app>/shared`, is there. A deploy makes the others, as only a
    release tells whether a path is a folder or a file, and with what it begins: here they are kept
    as that has made them. What the app has put in the way of one of them stays, and is said: it is
    the app's own affair, and stops nothing.

    Args:
        app: The app's name.
        folders: Paths below `shared`, of files too.
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
        return {"to put right": ""}

    def actual(self, system: System) -> State:
        return {"to put right": " ".join(self._wrong(system))}

    def _wrong(self, system: System) -> List[str]:
        paths = self._folders(system)
        if system.dry:
            return self._wrong_as_believed(paths, system)
        return [
            path
            for path in paths
            if self._full(path) not in system.left and not shared.is_right(self.app, path, system)
        ]

    def _folders(self, system: System) -> List[str]:
        """Return what is to be a folder: what is one, and what is one to the live release."""
        releases = Releases(self.app, system)
        manifest = releases.manifest(releases.live) if releases.live else {}
        of_files = set(manifest.get("shared_files", ()))
        known = {each for each in manifest.get("shared", ()) if each not in of_files}
        above = {os.path.dirname(each) for each in manifest.get("shared", ())}
        wanted = set(shared.prefixes([*known, *filter(None, above)]))
        paths: List[str] = []
        folders = {""}
        for path in shared.prefixes(self.folders):
            # Behind what the app has put in the way is nothing of ours.
            found = system.stat(self._full(path)) if os.path.dirname(path) in folders else None
            if found is not None and found.type == DIRECTORY:
                folders.add(path)
            is_file = path in of_files or (
                found is not None and found.type == FILE and path in self.folders
            )
            if not is_file and (found is not None or path in wanted):
                paths.append(path)
        return paths

    def _wrong_as_believed(self, paths: List[str], system: System) -> List[str]:
        """Return the same by what a check believes to be there, which no descriptor can show."""
        wrong: List[str] = []
        ways: Set[str] = set()
        for path in paths:
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
