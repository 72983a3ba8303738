"""Open the directory of a path part by part, so that only root decides where it leads.

A link on the way is followed only if root made it, in a place that is root's alone: from "/" down,
directories that root owns and nobody else may write (such as /var/run, or /srv on another disk).
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from typing import Iterator, List, Sequence, Tuple

from provisioning.agent.errors import AgentError

MOST_LINKS = 40
"""Source: path_resolution(7): more in a row are refused."""

DIRECTORY = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class UnsafePathError(AgentError):
    """Another user than root decides where a path leads."""


@contextlib.contextmanager
def directory(path: str) -> Iterator[int]:
    """Hold a directory open, for use as `dir_fd`.

    Args:
        path: Absolute.

    Raises:
        FileNotFoundError, NotADirectoryError: it is not there.
        UnsafePathError: a link on the way is not root's.
    """
    held = open_path(path)
    try:
        yield held
    finally:
        os.close(held)


@contextlib.contextmanager
def parent(path: str) -> Iterator[Tuple[int, str]]:
    """Hold the directory of a path open; yield it, and the path's last part.

    Raises:
        As `directory`.
    """
    above, name = os.path.split(path.rstrip("/"))
    with directory(above or "/") as held:
        yield held, name


def open_path(path: str) -> int:
    """Open a directory; see `directory`. The caller closes it."""
    parts = parts_of(path)
    held = os.open("/", DIRECTORY)
    try:
        for name in parts:
            held = step(held, name)
    except OSError as error:
        os.close(held)
        # Of a link, O_DIRECTORY together with O_NOFOLLOW gives the one or the other.
        if error.errno in (errno.ENOTDIR, errno.ELOOP):
            return resolve(path)[0]
        error.filename = path
        raise
    return held


def step(held: int, name: str) -> int:
    """Open a directory in another one, and close that."""
    inner = os.open(name, DIRECTORY, dir_fd=held)
    os.close(held)
    return inner


def resolve(path: str) -> Tuple[int, bool]:
    """Open a directory on whose way there are links: follow those that are root's.

    Returns:
        Its descriptor, and whether it and all on its way are root's alone.
    """
    parts, links = parts_of(path)[::-1], 0
    held, is_trusted = os.open("/", DIRECTORY), True
    try:
        while parts:
            name = parts.pop()
            is_trusted = is_trusted and _is_roots(os.fstat(held))
            found = os.stat(name, dir_fd=held, follow_symlinks=False)
            if not stat.S_ISLNK(found.st_mode):
                held = step(held, name)
                continue
            links += 1
            if not is_trusted or found.st_uid != 0:
                raise unsafe(path, name)  # noqa: TRY301 - the descriptor is closed below
            if links > MOST_LINKS:
                raise too_many_links(path)  # noqa: TRY301
            target = os.readlink(name, dir_fd=held)
            if target.startswith("/"):
                os.close(held)
                held = os.open("/", DIRECTORY)
            parts += [part for part in target.split("/") if part not in ("", ".")][::-1]
    except OSError as error:
        os.close(held)
        error.filename = path
        raise
    except UnsafePathError:
        os.close(held)
        raise
    return held, is_trusted and _is_roots(os.fstat(held))


def unsafe(path: str, name: str) -> UnsafePathError:
    """Return the error for a link that is not followed."""
    return UnsafePathError(
        f"cannot follow {path}: {name} is a symbolic link in a place where users other than root "
        "may write",
        hint="check it on the host; replace it with what it should be, then run again",
    )


def too_many_links(path: str) -> OSError:
    """Return the error for links that lead to each other without an end."""
    return OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)


def parts_of(path: str) -> List[str]:
    """Return the names that an absolute path is made of."""
    if not path.startswith("/"):
        raise ValueError(f"{path!r} is not absolute")
    return [part for part in path.split("/") if part not in ("", ".")]


def _is_roots(found: os.stat_result) -> bool:
    """Return whether only root may put something into a directory, or change a file.

    POSIX ACLs need no look of their own: with one, the mode's group bits are its mask.
    """
    return found.st_uid == 0 and not found.st_mode & 0o022


def is_roots_alone(path: str) -> bool:
    """Return whether only root can change what is at a path, at the end of all links."""
    links, checked, parts = 0, "/", parts_of(path)[::-1]
    while parts:
        if not _is_roots(os.lstat(checked)):
            return False
        name = parts.pop()
        if name == "..":
            checked = os.path.dirname(checked)
            continue
        inner = os.path.join(checked, name)
        try:
            target = os.readlink(inner)
        except FileNotFoundError:
            return False
        except OSError:
            checked = inner
            continue
        links += 1
        if links > MOST_LINKS:
            return False
        if target.startswith("/"):
            checked = "/"
        parts += [part for part in target.split("/") if part not in ("", ".")][::-1]
    return _is_roots(os.lstat(checked))


def descend(top: int, parts: Sequence[str]) -> int:
    """Open a directory below an open one; no link is followed.

    Raises:
        FileNotFoundError: it is not there.
        OSError: ENOTDIR or ELOOP, where something else is in its place.
    """
    held = os.dup(top)
    try:
        for name in parts:
            held = step(held, name)
    except OSError:
        os.close(held)
        raise
    return held
