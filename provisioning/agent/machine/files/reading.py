"""Look at what is at a path, and open it for reading."""

from __future__ import annotations

import errno
import os
import stat
from typing import List

from provisioning.agent.machine.files.paths import (
    MOST_LINKS,
    directory,
    parent,
    resolve,
    too_many_links,
    unsafe,
)

READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""O_NONBLOCK: opening a pipe that another user put there would wait."""


def lstat(path: str) -> os.stat_result:
    """Return what is at a path; a link there is not followed."""
    if path == "/":
        return os.lstat(path)
    with parent(path) as (held, name):
        return os.stat(name, dir_fd=held, follow_symlinks=False)


def readlink(path: str) -> str:
    """Return where a link leads."""
    with parent(path) as (held, name):
        return os.readlink(name, dir_fd=held)


def open_file(path: str) -> int:
    """Open a regular file for reading.

    Raises:
        FileNotFoundError, NotADirectoryError: there is nothing.
        OSError: ELOOP where a link is, EISDIR where a directory is, EINVAL for anything else.
    """
    with parent(path) as (held, name):
        return _open_regular(held, name, path)


def open_any(path: str) -> int:
    """Open a regular file or a directory, to look at it or give it another owner.

    Raises:
        As `open_file`, but for a directory.
    """
    with parent(path) as (held, name):
        opened = os.open(name, READ, dir_fd=held)
    if stat.S_IFMT(os.fstat(opened).st_mode) in (stat.S_IFREG, stat.S_IFDIR):
        return opened
    os.close(opened)
    raise OSError(errno.EINVAL, "it is neither a file nor a directory", path)


def open_linked_file(path: str) -> int:
    """Open a regular file for reading, also at the end of links that are root's.

    Raises:
        As `open_file`.
        UnsafePathError: a link there is not root's.
    """
    for _ in range(MOST_LINKS):
        with parent(path) as (held, name):
            found = os.stat(name, dir_fd=held, follow_symlinks=False)
            if not stat.S_ISLNK(found.st_mode):
                return _open_regular(held, name, path)
            above, is_trusted = resolve(os.path.dirname(path))
            os.close(above)
            if not is_trusted or found.st_uid != 0:
                raise unsafe(path, name)
            path = os.path.join(os.path.dirname(path), os.readlink(name, dir_fd=held))
    raise too_many_links(path)


def open_entry(held: int, name: str) -> int:
    """Open a regular file in a directory that is held open; see `open_file`."""
    return _open_regular(held, name, name)


def _open_regular(held: int, name: str, path: str) -> int:
    try:
        opened = os.open(name, READ, dir_fd=held)
    except OSError as error:
        error.filename = path
        raise
    mode = os.fstat(opened).st_mode
    if stat.S_ISREG(mode):
        return opened
    os.close(opened)
    code = errno.EISDIR if stat.S_ISDIR(mode) else errno.EINVAL
    raise OSError(code, os.strerror(code), path)


def names(path: str) -> List[str]:
    """Return the names in a directory, sorted."""
    opened = open_directory(path)
    try:
        return sorted(os.listdir(opened))
    finally:
        os.close(opened)


def open_directory(path: str) -> int:
    """Open a directory so that it can be listed."""
    with directory(path) as held:
        return os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=held)
