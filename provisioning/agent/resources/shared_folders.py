"""The folders that an app writes to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, List, Tuple

from provisioning.agent.apps import shared
from provisioning.agent.layout import AppLayout
from provisioning.agent.resource import Change, Resource, State, normalise
from provisioning.agent.system import System


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
        top = AppLayout(self.app).shared
        if system.dry and system.stat(top) is None:
            return shared.prefixes(self.folders)
        return [path for path in shared.prefixes(self.folders) if self._is_wrong(path, system)]

    def _is_wrong(self, path: str, system: System) -> bool:
        if system.dry and system.stat(f"{AppLayout(self.app).shared}/{path}") is not None:
            # A check may believe it to be there.
            return False
        return not shared.is_right(self.app, path, system)

    def apply(self, system: System, change: Change) -> None:
        for path in self._wrong(system):
            if system.dry:
                system.make_directory(
                    f"{AppLayout(self.app).shared}/{path}",
                    mode=f"{shared.MODE:04o}",
                    owner=self.app,
                    group=self.app,
                )
            else:
                shared.make(self.app, path, system)
