"""The shared folders that the web server serves."""

from __future__ import annotations

import contextlib
import os
import stat
from dataclasses import dataclass
from typing import Callable, ClassVar, List, Optional, Tuple, TypeVar

from provisioning.agent.apps import shared
from provisioning.agent.errors import AgentError
from provisioning.agent.layout import WEB_USER, AppLayout
from provisioning.agent.machine import acl, files
from provisioning.agent.machine.files.reading import READ
from provisioning.agent.machine.system import DIRECTORY, System
from provisioning.agent.resource import Change, Resource, State, normalise

MOST_ENTRIES = 500_000
"""How many files of a folder that was not served before a run makes readable."""

_SERVED = acl.READ | acl.ENTER

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class MediaFolders(Resource):
    """Have the web server, and nobody else, read shared folders of an app.

    By access control lists: the app's umask and modes stay as they are for everything else, and
    what it makes in these folders is readable from the start. Those above them can be passed
    through. Folders that are not there yet are a deploy's to make.

    All of it is the app's, so root opens each part by itself, follows no link, and changes only
    directories and the app's own regular files.

    Args:
        app: The app's name.
        folders: Paths below `shared`; with none, the web server is let in no more.
    """

    kind: ClassVar[str] = "media-folders"

    app: str
    folders: Tuple[str, ...] = ()

    def __post_init__(self) -> None:
        normalise(self, folders=tuple(self.folders))

    @property
    def name(self) -> str:
        return self.app

    def desired(self) -> State:
        return {"to open": "", "to close": ""}

    def actual(self, system: System) -> State:
        if not self.folders:
            is_open = self._permitted("", system) > 0
            return {"to open": "", "to close": "shared" if is_open else ""}
        return {"to open": " ".join(self._closed(system)), "to close": ""}

    def _ways(self) -> List[str]:
        """Return the folders that lead to those that are served; "" is the one that holds all."""
        above = shared.prefixes([os.path.dirname(each) for each in self.folders])
        return ["", *(each for each in above if each and each not in self.folders)]

    def _closed(self, system: System) -> List[str]:
        """Return what the web server cannot read or pass through: folders that are there."""
        ways = [each or "shared" for each in self._ways() if not self._has(each, acl.ENTER, system)]
        served = [each for each in self.folders if not self._has(each, _SERVED, system)]
        return [*ways, *served]

    def _has(self, path: str, bits: int, system: System) -> bool:
        found = self._permitted(path, system)
        if found >= 0:
            return found & bits == bits
        if not system.dry:
            return self._with_folder(path, lambda opened: opened) is None
        believed = system.stat(self._full(path))
        return believed is None or believed.type != DIRECTORY

    def _full(self, path: str) -> str:
        return os.path.join(AppLayout(self.app).shared, path).rstrip("/")

    def _permitted(self, path: str, system: System) -> int:
        """Return what the web server may do with a folder, -1 where nothing is said of it."""
        group = system.group(WEB_USER)
        if group is None:
            return -1

        def look(opened: int) -> int:
            found = acl.permits(opened, acl.ACCESS, group.id)
            if path not in self.folders:
                return found
            return min(found, acl.permits(opened, acl.DEFAULT, group.id))

        found = self._with_folder(path, look)
        return -1 if found is None else found

    def apply(self, system: System, change: Change) -> None:
        if system.dry:
            return
        group, user = system.group(WEB_USER), system.user(self.app)
        if group is None or user is None:
            raise AgentError(f"cannot let {WEB_USER} read what {self.app} writes: no such user")
        if not self.folders:
            self._with_folder("", lambda opened: acl.forbid(opened, group.id))
            return
        for path in self._ways():
            self._with_folder(path, lambda opened: acl.permit(opened, group.id, acl.ENTER))
        for path in self.folders:
            if self._has(path, _SERVED, system):
                continue
            if self._with_folder(path, lambda opened: _serve(opened, group.id, user.id)) is False:
                system.notes.append(
                    f"warning: not all of {self._full(path)} was made readable for the web server: "
                    "there is too much of it, or the app is changing it"
                )

    def _with_folder(self, path: str, do: Callable[[int], Answer]) -> Optional[Answer]:
        """Do something with a folder that is held open.

        None if it is not there, or the app has put another thing in its place.
        """
        try:
            with shared.open_folder(self.app, path) as held:
                opened = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=held)
        except OSError:
            return None
        try:
            return do(opened)
        finally:
            os.close(opened)


def _serve(top: int, group_id: int, user_id: int) -> bool:
    """Let a group read a folder and all that is in it; the folder itself last, as it says so.

    Returns:
        Whether that is all of it: an app that has too much of it must not keep others waiting.
    """
    left = MOST_ENTRIES

    def visit(here: int, entry: files.Entry) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise _TooManyError
        parts, found = entry
        is_folder = stat.S_ISDIR(found.st_mode)
        if not is_folder and not stat.S_ISREG(found.st_mode):
            return
        # The app may put another thing there meanwhile, or take it away.
        with contextlib.suppress(OSError):
            opened = os.open(parts[-1], READ, dir_fd=here)
            try:
                now = os.fstat(opened)
                if now.st_uid == user_id and stat.S_IFMT(now.st_mode) == stat.S_IFMT(found.st_mode):
                    bits = _SERVED if is_folder else acl.READ
                    acl.permit(opened, group_id, bits, inherited=is_folder)
            finally:
                os.close(opened)

    is_all = True
    try:
        files.walk(top, visit, most_depth=files.MOST_DEPTH)
    except (OSError, files.UnsafePathError, _TooManyError):
        is_all = False
    acl.permit(top, group_id, _SERVED, inherited=True)
    return is_all


class _TooManyError(Exception):
    """There is more in a folder than a run looks at."""
