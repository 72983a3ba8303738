"""Shared folders and files: what an app writes, and what survives its releases.

All below `/srv/<app>/shared` is the app's, so it decides what lies there. Root goes in there part
by part, without following links, and leaves alone what the app has put in a folder's way.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from typing import Iterator, List, Optional, Sequence

from provisioning.agent.errors import AgentError
from provisioning.agent.layout import TEMPORARY, AppLayout
from provisioning.agent.machine import files
from provisioning.agent.machine.system import System

MODE = 0o750

FILE_MODE = 0o600
"""What a file has that the app makes: see UMask= in roles/sandbox.py."""

BEGINNING = ".shared" + TEMPORARY
"""In the app's own directory, which is root's: where a folder is made before the app gets it."""

_IN_THE_WAY = (errno.ENOTDIR, errno.ELOOP)


def prefixes(paths: Sequence[str]) -> List[str]:
    """Return the folders that paths lead through, and themselves: "var" before "var/uploads"."""
    found: List[str] = []
    for path in paths:
        parts = path.strip("/").split("/")
        found += ["/".join(parts[: number + 1]) for number in range(len(parts))]
    return list(dict.fromkeys(found))


def is_right(app: str, path: str, system: System) -> bool:
    """Return whether a folder is there and the app's; or the app has put another thing there."""
    user = system.user(app)
    try:
        with open_folder(app, path) as opened:
            found = os.fstat(opened)
    except FileNotFoundError:
        return False
    except OSError as error:
        if error.errno in _IN_THE_WAY:
            leave(app, path, system)
            return True
        raise
    return (
        user is not None
        and (found.st_uid, found.st_gid) == (user.id, _group_id(app, system))
        and stat.S_IMODE(found.st_mode) == MODE
    )


def make(app: str, path: str, system: System) -> None:
    """Make a shared folder, or give it to the app where it is another user's.

    The folder above it is there. Each is held open by its descriptor while it changes hands, so
    that the app cannot have something else take its place.
    """
    user = system.user(app)
    if user is None:
        raise AgentError(f"cannot give a folder to {app}: no such user")
    above, _, name = path.rpartition("/")
    try:
        with open_folder(app, above) as held:
            with contextlib.suppress(FileExistsError):
                os.mkdir(name, 0o700, dir_fd=held)
            inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=held)
            try:
                group = _group_id(app, system)
                files.own(inner, MODE, user.id, group, what=AppLayout(app).shared + "/" + path)
            finally:
                os.close(inner)
    except OSError as error:
        if error.errno not in (*_IN_THE_WAY, errno.ENOENT):
            raise
        leave(app, path, system)


def begin(system: System, app: str, path: str, source: str) -> None:
    """Make a shared folder; it begins with the content that a release has at its path.

    It is made whole where only root may write, and becomes the app's by one rename.

    Args:
        system: The machine.
        app: The app's name.
        path: Of the folder, below `shared`.
        source: What the release has at its path: root's; may not be there.
    """
    layout = AppLayout(app)
    *above, name = path.split("/")
    for folder in prefixes(["/".join(above)]) if above else ():
        if not is_right(app, folder, system):
            make(app, folder, system)
    try:
        with open_folder(app, "/".join(above)) as held:
            if _is_there(held, name):
                return
            beginning = os.path.join(layout.root, BEGINNING)
            files.remove(beginning)
            # Until it is whole nobody else enters it: what is in it changes hands one by one.
            files.make_directory(beginning, 0o700)
            found = stat_of(source)
            if found is not None and stat.S_ISDIR(found.st_mode):
                files.copy_tree(source, beginning)
            user = system.user(app)
            if user is None:
                raise AgentError(f"cannot give a folder to {app}: no such user")
            files.give_tree(beginning, user.id, _group_id(app, system))
            with files.parent(beginning) as (ours, its_name):
                os.chmod(its_name, MODE, dir_fd=ours)
                os.rename(its_name, name, src_dir_fd=ours, dst_dir_fd=held)
    except OSError as error:
        if error.errno not in (*_IN_THE_WAY, errno.EEXIST, errno.ENOTEMPTY, errno.ENOENT):
            raise
        # The release leads there by a link: what the app finds is what it has put there.
        leave(app, path, system)


def begin_file(system: System, app: str, path: str, source: str) -> None:
    """Have the folder of a shared file; the file begins as the one that a release has at its path.

    What is there wins. Where a release has none, the app makes it: nobody else knows what it is to
    hold. Its mode is what it would be if the app had made it.

    Args:
        system: The machine.
        app: The app's name.
        path: Of the file, below `shared`.
        source: What the release has at its path: root's; may not be there.

    Raises:
        AgentError: a folder with something in it is there.
    """
    *above, name = path.split("/")
    for folder in prefixes(["/".join(above)]) if above else ():
        if not is_right(app, folder, system):
            make(app, folder, system)
    try:
        with open_folder(app, "/".join(above)) as held:
            _make_way(app, path, held, name)
            found = stat_of(source)
            if found is None or not stat.S_ISREG(found.st_mode) or _is_there(held, name):
                return
            user = system.user(app)
            if user is None:
                raise AgentError(f"cannot give a file to {app}: no such user")
            beginning = os.path.join(AppLayout(app).root, BEGINNING)
            files.remove(beginning)
            files.copy_file(source, beginning, FILE_MODE)
            with files.parent(beginning) as (ours, its_name):
                opened = files.open_entry(ours, its_name)
                try:
                    files.own(opened, FILE_MODE, user.id, _group_id(app, system), what=beginning)
                finally:
                    os.close(opened)
                # Unlike a rename, it replaces nothing that the app has made meanwhile.
                with contextlib.suppress(FileExistsError):
                    os.link(its_name, name, src_dir_fd=ours, dst_dir_fd=held, follow_symlinks=False)
                os.unlink(its_name, dir_fd=ours)
    except OSError as error:
        if error.errno not in (*_IN_THE_WAY, errno.ENOENT):
            raise
        leave(app, path, system)


def _make_way(app: str, path: str, held: int, name: str) -> None:
    """Remove an empty folder in the place of a shared file, as an earlier Homeport made it."""
    try:
        os.rmdir(name, dir_fd=held)
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        full = f"{AppLayout(app).shared}/{path}"
        raise AgentError(
            f"cannot use {full} as a file: it is a folder, and not empty",
            hint="move the folder away, or name the folder in `shared` and not in `shared_files`",
            refused=True,
        ) from None


def is_file(app: str, path: str) -> bool:
    """Tell whether a file is there, which the app may have put there."""
    above, _, name = path.rpartition("/")
    try:
        with open_folder(app, above) as held:
            return stat.S_ISREG(os.stat(name, dir_fd=held, follow_symlinks=False).st_mode)
    except OSError:
        return False


def stat_of(path: str) -> Optional[os.stat_result]:
    """Return what is at a path, or None."""
    try:
        return files.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None


@contextlib.contextmanager
def open_folder(app: str, path: str) -> Iterator[int]:
    """Hold a folder below an app's shared one open; "" is that itself."""
    with files.directory(AppLayout(app).shared) as top:
        opened = files.descend(top, [part for part in path.split("/") if part])
    try:
        yield opened
    finally:
        os.close(opened)


def _is_there(held: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=held, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _group_id(app: str, system: System) -> int:
    group = system.group(app)
    if group is None:
        raise AgentError(f"cannot give a folder to the group {app}: no such group")
    return group.id


def leave(app: str, path: str, system: System) -> None:
    """Leave a folder as the app has it, and say so, once in a run."""
    full = f"{AppLayout(app).shared}/{path}"
    is_said = any(f"{full}/".startswith(f"{each}/") for each in system.left)
    system.left.add(full)
    if not is_said:
        system.notes.append(
            f"warning: {full} is left as it is: the app has replaced it with something else, or "
            "is moving it"
        )
