"""Make, rename, link and own one file or directory."""

from __future__ import annotations

import os
import stat

from provisioning.agent.machine.files.paths import (
    DIRECTORY,
    UnsafePathError,
    open_path,
    parent,
    parts_of,
    step,
)
from provisioning.agent.machine.files.reading import open_directory

CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def create(path: str) -> int:
    """Create a file that is not there, readable by root only; return it open for writing."""
    with parent(path) as (held, name):
        return os.open(name, CREATE, 0o600, dir_fd=held)


def write(path: str, data: bytes, mode: int) -> None:
    """Write a file where nothing is, as root's; neither atomic nor durable."""
    made = create(path)
    try:
        write_all(made, data)
        os.fchmod(made, mode)
    finally:
        os.close(made)


def write_all(target: int, data: bytes) -> None:
    """Write all of some bytes to an open file."""
    view = memoryview(data)
    while view:
        view = view[os.write(target, view) :]


def unlink(path: str) -> None:
    """Remove a file or link."""
    with parent(path) as (held, name):
        os.unlink(name, dir_fd=held)


def symlink(target: str, path: str) -> None:
    """Make a link."""
    with parent(path) as (held, name):
        os.symlink(target, name, dir_fd=held)


def rename(source: str, path: str) -> None:
    """Move a file to another path, and replace what is there."""
    with parent(source) as (held, name), parent(path) as (target, new_name):
        try:
            os.replace(name, new_name, src_dir_fd=held, dst_dir_fd=target)
        except OSError as error:
            error.filename, error.filename2 = source, path
            raise


def link(source: str, path: str) -> None:
    """Give a file an additional name."""
    with parent(source) as (held, name), parent(path) as (target, new_name):
        os.link(name, new_name, src_dir_fd=held, dst_dir_fd=target, follow_symlinks=False)


def make_directory(path: str, mode: int = 0o755) -> None:
    """Make a directory and those above it that are missing, as root's; one that is there stays."""
    parts = parts_of(path)
    held = os.open("/", DIRECTORY)
    try:
        for number, name in enumerate(parts):
            try:
                held = step(held, name)
            except FileNotFoundError:
                os.mkdir(name, mode if number == len(parts) - 1 else 0o755, dir_fd=held)
                held = step(held, name)
            except OSError:
                # A link on the way: it leads to another directory, or is refused.
                inner = open_path("/" + "/".join(parts[: number + 1]))
                os.close(held)
                held = inner
    except OSError as error:
        error.filename = path
        raise
    finally:
        os.close(held)


def own(opened: int, mode: int, user_id: int, group_id: int, *, what: str) -> None:
    """Set the mode and owner of an open file or directory.

    Args:
        opened: Its descriptor.
        mode: Permission bits.
        user_id, group_id: Its new owner.
        what: Its path, for messages.

    Raises:
        UnsafePathError: it is a file that has another name besides, such as one of root's that
            somebody has linked to.
    """
    found = os.fstat(opened)
    is_others = (found.st_uid, found.st_gid) != (user_id, group_id)
    if is_others and stat.S_ISREG(found.st_mode) and found.st_nlink > 1:
        raise UnsafePathError(
            f"cannot give {what} to another user: the file has another name (a hard link)",
            hint=f"find it on the host with `find / -xdev -inum {found.st_ino}`, and remove one "
            "of the names",
        )
    if is_others:
        os.fchown(opened, user_id, group_id)
    os.fchmod(opened, mode)


def sync(path: str) -> None:
    """Write a directory's entries to disk. Source: fsync(2), NOTES on directories."""
    opened = open_directory(path)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
