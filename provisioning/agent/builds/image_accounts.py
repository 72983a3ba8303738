"""The users of an image: which numbers a name stands for, as its own files say.

A build wrote these files: they are read as they lie, and no link is followed.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Dict, List, Optional, Sequence

from provisioning.agent.builds.image_config import BadImageError
from provisioning.agent.builds.image_inside import IDS
from provisioning.agent.builds.image_takeover import ImageUser
from provisioning.agent.machine import files
from provisioning.agent.machine.accounts import Account

MOST_BYTES = 1 << 20


@dataclass(frozen=True)
class Accounts:
    """What /etc/passwd and /etc/group of an image say: lines, as fields.

    Source: passwd(5), group(5).
    """

    users: Sequence[List[str]]
    groups: Sequence[List[str]]

    @classmethod
    def of(cls, rootfs: str) -> Accounts:
        """Read those of a directory of files."""
        top = files.open_directory(rootfs)
        try:
            return cls(_lines(top, "passwd", 7), _lines(top, "group", 4))
        finally:
            os.close(top)

    def user(self, said: str) -> ImageUser:
        """Return whom USER means; root where it says nothing.

        Raises:
            BadImageError: the image has no such user.
        """
        name, _, group = said.partition(":")
        fields = self._fields(name)
        if fields is None and not name.isdigit():
            raise BadImageError(
                f"there is no user {name} in it", "add a RUN useradd before USER in the Dockerfile"
            )
        uid = _number(fields[2] if fields else name)
        if not group:
            return ImageUser(uid, _number(fields[3] if fields else "0"))
        gids: Dict[str, str] = {each[0]: each[2] for each in self.groups}
        return ImageUser(uid, _number(gids.get(group, group)))

    def home(self, said: str) -> str:
        """Return the home directory of whom USER means."""
        fields = self._fields(said.partition(":")[0])
        return fields[5] if fields and fields[5].isprintable() and fields[5] else "/"

    def with_app(self, app: Optional[Account], said: str) -> Dict[str, str]:
        """Return the files with the app's account on the host, as which the programs run."""
        if app is None:
            return {}
        name, number = app.name, str(app.id)
        users = [*self.users, [name, "x", number, number, "", self.home(said), "/bin/sh"]]
        groups = [*self.groups, [name, "x", number, ""]]
        return {
            "passwd": "".join(":".join(each) + "\n" for each in users),
            "group": "".join(":".join(each) + "\n" for each in groups),
        }

    def _fields(self, name: str) -> Optional[List[str]]:
        wanted = name or "root"
        return next((each for each in self.users if wanted in (each[0], each[2])), None)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 6 and int(text) < IDS):
        raise BadImageError(
            f"its user or group has the number {text[:20]!r}", f"use a number below {IDS}"
        )
    return int(text)


def _lines(top: int, name: str, count: int) -> List[List[str]]:
    try:
        held = files.descend(top, ("etc",))
    except OSError:
        return []
    try:
        with open(files.open_entry(held, name), "rb") as file:
            text = file.read(MOST_BYTES).decode("utf-8", "replace")
    except OSError:
        return []
    finally:
        os.close(held)
    fields = (line.split(":") for line in text.split("\n"))
    return [each for each in fields if len(each) == count]
