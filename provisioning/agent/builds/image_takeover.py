"""Take over a built image: root owns a copy of its files, and nobody can change them.

Nothing of the build's own stays: no owner, no set-id bit, no list of access rights, no capability.
Devices, pipes and sockets are left out. Links stay as they are: nothing but programs of the image
follows them, whose root directory it is.
"""

from __future__ import annotations

import contextlib
import os
import stat
from dataclasses import dataclass
from typing import List, Tuple

from provisioning.agent.builds.image_inside import FIRST_ID
from provisioning.agent.builds.room import check_room
from provisioning.agent.errors import AgentError
from provisioning.agent.machine import files

MOST_DEPTH = 60
MOST_ENTRIES = 1_000_000
"""More than any image of an app has: the largest known ones have some 300,000 files."""

OF_SYSTEMD = ("dev", "proc", "run", "sys", "tmp", "var/tmp")
"""Directories over which a release's units lay their own; what an image has in them is left out."""

BESIDES = ("etc/hosts", "etc/resolv.conf")
"""Files for which the host's stand in."""

MADE = ("etc", "var")
"""Directories above these, which are made first."""


@dataclass(frozen=True)
class ImageUser:
    """Who the image's programs are meant to run as, by its own numbers."""

    uid: int
    gid: int


@dataclass(frozen=True)
class BuiltImage:
    """An image as a build has left it.

    Args:
        source: The folder of its files; the build's own, nothing of the build runs any more.
        path: Where it will be, for messages.
        user: Who its programs are meant to run as.
        group_id: The group of the app, which may read what that user may.
    """

    source: str
    path: str
    user: ImageUser
    group_id: int

    def take_over(self, target: str) -> None:
        """Copy it to where nothing is yet.

        Raises:
            AgentError: it is larger than the disk, or than any image.
        """
        top = files.open_directory(self.source)
        try:
            check_room(
                top, target, f"the image {self.path}",
                most_entries=MOST_ENTRIES, most_depth=MOST_DEPTH,
            )  # fmt: skip
            # Before there are links in it: root would follow its own, wherever they lead.
            for path in (*OF_SYSTEMD, *map(os.path.dirname, BESIDES)):
                files.make_directory(os.path.join(target, path))
            for path in BESIDES:
                files.write(os.path.join(target, path), b"", 0o644)
            with files.directory(target) as copy:
                files.walk(top, _Copying(self, copy).visit, most_depth=MOST_DEPTH)
        except files.UnsafePathError as error:
            raise AgentError(
                f"the image {self.path} was refused: {error.message}",
                hint="check what the Dockerfile puts into the image",
                refused=True,
            ) from None
        finally:
            os.close(top)

    def rights(self, found: os.stat_result) -> Tuple[int, int]:
        """Return the mode and the group of the copy of a file or a directory.

        All of it is root's. What belongs to the image's user, or to that user's group, the app's
        group gets, with the rights that the user has; nobody may write.
        """
        mode = found.st_mode & 0o755
        if found.st_uid == FIRST_ID + self.user.uid:
            return mode & 0o705 | (mode & 0o500) >> 3, self.group_id
        if found.st_gid == FIRST_ID + self.user.gid:
            return mode, self.group_id
        return mode, 0


class _Copying:
    """Copies an image's entries, one by one."""

    def __init__(self, built: BuiltImage, copy: int) -> None:
        self._built = built
        self._copy = copy

    def visit(self, here: int, entry: files.Entry) -> None:
        parts, found = list(entry[0]), entry[1]
        if _is_left_out(parts):
            return
        name = parts[-1]
        target = files.descend(self._copy, parts[:-1])
        try:
            if stat.S_ISDIR(found.st_mode) or "/".join(parts) not in MADE:
                self._copy_entry(here, name, found, target)
            else:
                raise files.UnsafePathError(f"its /{'/'.join(parts)} is not a directory")
        finally:
            os.close(target)

    def _copy_entry(self, here: int, name: str, found: os.stat_result, target: int) -> None:
        if stat.S_ISLNK(found.st_mode):
            os.symlink(os.readlink(name, dir_fd=here), name, dir_fd=target)
            return
        mode, group_id = self._built.rights(found)
        if stat.S_ISDIR(found.st_mode):
            with contextlib.suppress(FileExistsError):
                os.mkdir(name, 0o700, dir_fd=target)
            # Root itself has to get in, whatever the image says.
            os.chmod(name, mode | 0o700, dir_fd=target)
        elif stat.S_ISREG(found.st_mode):
            files.copy_entry(here, name, target, mode)
        else:
            return
        if group_id:
            os.chown(name, 0, group_id, dir_fd=target, follow_symlinks=False)


def _is_left_out(parts: List[str]) -> bool:
    path = "/".join(parts)
    return path in BESIDES or any(f"{path}/".startswith(f"{each}/") for each in OF_SYSTEMD)
