"""Files and directories, reached part by part, so that only root decides where a path leads.

The kernel follows symbolic links on its way along a path. Below a directory that an app or a
person may write, a path therefore leads where they choose, also between two calls of ours. So
this is the one module of the agent that makes, changes, copies and removes: it opens each
directory of a path by itself, holds it open, and acts relative to it.

A link on the way is followed only if root made it, in a place that is root's alone: from "/" down,
directories that root owns and nobody else may write (such as /var/run, or /srv on another disk).
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
import time
from typing import Callable, Iterator, List, Optional, Sequence, Tuple

from provisioning.agent.errors import AgentError

MOST_LINKS = 40
"""Source: path_resolution(7): more in a row are refused."""

MOST_DEPTH = 64
"""Directories that are held open at once while a tree is walked; deeper ones are brought up."""

_DIRECTORY = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""O_NONBLOCK: a pipe that somebody has put there would be waited for."""

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_COPIED_AT_ONCE = 1 << 20


class UnsafePathError(AgentError):
    """Another user than root decides where a path leads."""


class TooMuchError(AgentError):
    """A tree could not be removed within its time."""


@contextlib.contextmanager
def directory(path: str) -> Iterator[int]:
    """Hold a directory open, for use as `dir_fd`.

    Args:
        path: Absolute.

    Raises:
        FileNotFoundError, NotADirectoryError: it is not there.
        UnsafePathError: a link on the way is not root's.
    """
    held = _open_directory(path)
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


def _open_directory(path: str) -> int:
    parts = _parts(path)
    held = os.open("/", _DIRECTORY)
    try:
        for name in parts:
            held = _step(held, name)
    except OSError as error:
        os.close(held)
        # Of a link, O_DIRECTORY together with O_NOFOLLOW gives the one or the other.
        if error.errno in (errno.ENOTDIR, errno.ELOOP):
            return _resolve(path)[0]
        error.filename = path
        raise
    return held


def _step(held: int, name: str) -> int:
    """Open a directory in another one, and close that."""
    inner = os.open(name, _DIRECTORY, dir_fd=held)
    os.close(held)
    return inner


def _resolve(path: str) -> Tuple[int, bool]:
    """Open a directory on whose way there are links: follow those that are root's.

    Returns:
        Its descriptor, and whether it and all on its way are root's alone.
    """
    parts, links = _parts(path)[::-1], 0
    held, is_trusted = os.open("/", _DIRECTORY), True
    try:
        while parts:
            name = parts.pop()
            is_trusted = is_trusted and _is_roots(os.fstat(held))
            found = os.stat(name, dir_fd=held, follow_symlinks=False)
            if not stat.S_ISLNK(found.st_mode):
                held = _step(held, name)
                continue
            links += 1
            if not is_trusted or found.st_uid != 0:
                raise _unsafe(path, name)  # noqa: TRY301 - the descriptor is closed below
            if links > MOST_LINKS:
                raise _too_many_links(path)  # noqa: TRY301
            target = os.readlink(name, dir_fd=held)
            if target.startswith("/"):
                os.close(held)
                held = os.open("/", _DIRECTORY)
            parts += [part for part in target.split("/") if part not in ("", ".")][::-1]
    except OSError as error:
        os.close(held)
        error.filename = path
        raise
    except UnsafePathError:
        os.close(held)
        raise
    return held, is_trusted and _is_roots(os.fstat(held))


def _unsafe(path: str, name: str) -> UnsafePathError:
    return UnsafePathError(
        f"cannot follow {path}: {name} is a symbolic link in a place where other users than root "
        "may write",
        hint="look at it on the host; replace it by what it should be, then run again",
    )


def _too_many_links(path: str) -> OSError:
    return OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)


def _parts(path: str) -> List[str]:
    if not path.startswith("/"):
        raise ValueError(f"{path!r} is not absolute")
    return [part for part in path.split("/") if part not in ("", ".")]


def _is_roots(found: os.stat_result) -> bool:
    """Return whether only root may put something into a directory, or change a file.

    POSIX ACLs need no look of their own: with one, the mode's group bits are its mask.
    """
    return found.st_uid == 0 and not found.st_mode & 0o022


def is_roots_alone(path: str) -> bool:
    """Return whether only root decides what is at a path, at the end of all links there."""
    links, checked, parts = 0, "/", _parts(path)[::-1]
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


# Reading


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
        opened = os.open(name, _READ, dir_fd=held)
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
            above, is_trusted = _resolve(os.path.dirname(path))
            os.close(above)
            if not is_trusted or found.st_uid != 0:
                raise _unsafe(path, name)
            path = os.path.join(os.path.dirname(path), os.readlink(name, dir_fd=held))
    raise _too_many_links(path)


def open_entry(held: int, name: str) -> int:
    """Open a regular file in a directory that is held open; see `open_file`."""
    return _open_regular(held, name, name)


def _open_regular(held: int, name: str, path: str) -> int:
    try:
        opened = os.open(name, _READ, dir_fd=held)
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


# Changing


def create(path: str) -> int:
    """Create a file that is not there, readable by root only; return it open for writing."""
    with parent(path) as (held, name):
        return os.open(name, _CREATE, 0o600, dir_fd=held)


def write(path: str, data: bytes, mode: int) -> None:
    """Write a file where nothing is, as root's; neither atomic nor durable."""
    made = create(path)
    try:
        _write(made, data)
        os.fchmod(made, mode)
    finally:
        os.close(made)


def unlink(path: str) -> None:
    """Remove a file or link."""
    with parent(path) as (held, name):
        os.unlink(name, dir_fd=held)


def symlink(target: str, path: str) -> None:
    """Make a link."""
    with parent(path) as (held, name):
        os.symlink(target, name, dir_fd=held)


def rename(source: str, path: str) -> None:
    """Give something another path, in place of what is there."""
    with parent(source) as (held, name), parent(path) as (target, new_name):
        try:
            os.replace(name, new_name, src_dir_fd=held, dst_dir_fd=target)
        except OSError as error:
            error.filename, error.filename2 = source, path
            raise


def link(source: str, path: str) -> None:
    """Give a file another name besides."""
    with parent(source) as (held, name), parent(path) as (target, new_name):
        os.link(name, new_name, src_dir_fd=held, dst_dir_fd=target, follow_symlinks=False)


def make_directory(path: str, mode: int = 0o755) -> None:
    """Make a directory and those above it that are missing, as root's; one that is there stays."""
    parts = _parts(path)
    held = os.open("/", _DIRECTORY)
    try:
        for number, name in enumerate(parts):
            try:
                held = _step(held, name)
            except FileNotFoundError:
                os.mkdir(name, mode if number == len(parts) - 1 else 0o755, dir_fd=held)
                held = _step(held, name)
            except OSError:
                # A link on the way: it leads to another directory, or is refused.
                inner = _open_directory("/" + "/".join(parts[: number + 1]))
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
            f"cannot give {what} to another user: the file has another name besides",
            hint=f"find it on the host with `find / -xdev -inum {found.st_ino}`, and remove one",
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


def remove(path: str, within_s: Optional[float] = None) -> None:
    """Remove a file, a link, or a directory with all that is in it, however deep; or nothing.

    Args:
        path: Absolute.
        within_s: Give up after so many seconds; None: never.

    Raises:
        TooMuchError: it took longer; some of it is left.
    """
    deadline = None if within_s is None else time.monotonic() + within_s
    with contextlib.ExitStack() as stack:
        try:
            held, name = stack.enter_context(parent(path))
        except (FileNotFoundError, NotADirectoryError):
            return
        while not _unlinked(held, name):
            _empty(held, name, deadline, path)
            if _removed_directory(held, name):
                return


def remove_if_there(path: str) -> None:
    """Remove a file, a link or a whole directory, or find that there is none."""
    with contextlib.suppress(FileNotFoundError):
        remove(path)


def remove_if_empty(path: str) -> bool:
    """Remove a directory in which there is nothing; return whether it is gone."""
    try:
        with parent(path) as (held, name):
            os.rmdir(name, dir_fd=held)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR, errno.EBUSY):
            raise
        return False
    return True


def _unlinked(held: int, name: str) -> bool:
    """Remove a file or link, or nothing; return False where a directory is."""
    try:
        os.unlink(name, dir_fd=held)
    except FileNotFoundError:
        return True
    except IsADirectoryError:
        return False
    except PermissionError:
        # Source: unlink(2): POSIX's error for a directory.
        if stat.S_ISDIR(os.stat(name, dir_fd=held, follow_symlinks=False).st_mode):
            return False
        raise
    return True


def _removed_directory(held: int, name: str) -> bool:
    """Remove an empty directory; return False if something has come into it, or in its place."""
    try:
        os.rmdir(name, dir_fd=held)
    except FileNotFoundError:
        return True
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
            raise
        return False
    return True


def _opened_directory(held: int, name: str) -> Optional[int]:
    """Open a directory for listing; return None if it has gone, or something is in its place."""
    try:
        return os.open(name, _READ | os.O_DIRECTORY, dir_fd=held)
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
            raise
        return None


def _empty(held: int, name: str, deadline: Optional[float], path: str) -> None:
    """Empty a directory from its top: what lies too deep is brought up there first.

    Others may put in and take out something meanwhile: what is in a place is looked at again until
    nothing is.
    """
    top = _opened_directory(held, name)
    if top is None:
        return
    brought_up, token = 0, secrets.token_hex(8)
    stack: List[Tuple[int, List[str]]] = [(top, [])]
    try:
        stack[0] = (top, os.listdir(top))
        while stack:
            here, left = stack[-1]
            if deadline is not None and time.monotonic() > deadline:
                raise TooMuchError(
                    f"cannot remove all of {path} in its time: there is too much of it",
                    hint=f"on the host: rm -rf {path}",
                )
            if not left:
                stack.pop()
                if stack:
                    os.close(here)
                    above, names_above = stack[-1]
                    if _removed_directory(above, names_above[-1]):
                        names_above.pop()
                elif names_again := os.listdir(top):
                    stack.append((top, names_again))
                continue
            inner = left[-1]
            if _unlinked(here, inner):
                left.pop()
            elif len(stack) > MOST_DEPTH:
                brought_up += 1
                with contextlib.suppress(FileNotFoundError):
                    os.rename(inner, f".{token}-{brought_up}", src_dir_fd=here, dst_dir_fd=top)
                left.pop()
            elif (opened := _opened_directory(here, inner)) is not None:
                stack.append((opened, []))
                stack[-1] = (opened, os.listdir(opened))
    finally:
        for opened in {top, *(each for each, _ in stack)}:
            os.close(opened)


# Copying


def copy_content(source: int, target: int) -> None:
    """Copy what an open file holds into another."""
    while True:
        try:
            if os.sendfile(target, source, None, _COPIED_AT_ONCE) == 0:
                return
        except OSError as error:
            # Source: sendfile(2): not every file system can.
            if error.errno not in (errno.EINVAL, errno.ENOSYS):
                raise
            while data := os.read(source, _COPIED_AT_ONCE):
                _write(target, data)
            return


def _write(target: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(target, view) :]


def copy_file(source: str, path: str, mode: int) -> None:
    """Copy a regular file to where nothing is, as root's, with its time of change."""
    opened = open_file(source)
    try:
        with parent(path) as (held, name):
            copy_opened(opened, held, name, mode)
    finally:
        os.close(opened)


def copy_opened(opened: int, held: int, name: str, mode: int) -> None:
    """Copy an open regular file into a directory that is held open; see `copy_file`."""
    made = os.open(name, _CREATE, 0o600, dir_fd=held)
    try:
        copy_content(opened, made)
        found = os.fstat(opened)
        os.fchmod(made, mode)
        # What Python compiled of a source is valid for as long as this stays the same.
        os.utime(made, ns=(found.st_mtime_ns, found.st_mtime_ns))
    finally:
        os.close(made)


Entry = Tuple[Tuple[str, ...], os.stat_result]
"""Parts of a path below the top of a tree, and what is there."""


def walk(top: int, visit: Callable[[int, Entry], None], *, most_depth: int) -> None:
    """Visit all that is below an open directory: a directory before what it holds, no link's end.

    Args:
        top: The directory, open for reading.
        visit: Called with the directory that holds the entry, open, and the entry.
        most_depth: How deep directories may lie in each other.

    Raises:
        UnsafePathError: they lie deeper.
    """
    stack: List[Tuple[int, Tuple[str, ...], List[str]]] = [(top, (), _backwards(top))]
    try:
        while stack:
            here, above, left = stack[-1]
            if not left:
                stack.pop()
                if here != top:
                    os.close(here)
                continue
            name = left.pop()
            found = os.stat(name, dir_fd=here, follow_symlinks=False)
            parts = (*above, name)
            visit(here, (parts, found))
            if stat.S_ISDIR(found.st_mode):
                if len(parts) > most_depth:
                    raise UnsafePathError(f"directories lie more than {most_depth} deep")
                opened = os.open(name, _READ | os.O_DIRECTORY, dir_fd=here)
                stack.append((opened, parts, _backwards(opened)))
    finally:
        for here, _, _ in stack:
            if here != top:
                os.close(here)


def _backwards(opened: int) -> List[str]:
    """Return the names in an open directory, the first one last: to be taken from the end."""
    return sorted(os.listdir(opened), reverse=True)


def copy_tree(source: str, path: str) -> None:
    """Copy a directory to where nothing is: directories, files and links, as root's.

    What is none of these is left out. Modes stay as they are, less set-id and sticky bits.
    """
    top = open_directory(source)
    try:
        make_directory(path)
        with directory(path) as target:

            def visit(here: int, entry: Entry) -> None:
                (*above, name), found = entry
                inside = descend(target, above)
                try:
                    _copy_entry(here, name, found, inside)
                finally:
                    os.close(inside)

            walk(top, visit, most_depth=MOST_DEPTH)
    finally:
        os.close(top)


def _copy_entry(here: int, name: str, found: os.stat_result, target: int) -> None:
    mode = found.st_mode & 0o777
    if stat.S_ISLNK(found.st_mode):
        os.symlink(os.readlink(name, dir_fd=here), name, dir_fd=target)
    elif stat.S_ISDIR(found.st_mode):
        os.mkdir(name, 0o700, dir_fd=target)
        os.chmod(name, mode, dir_fd=target)
    elif stat.S_ISREG(found.st_mode):
        copy_entry(here, name, target, mode)


def copy_entry(here: int, name: str, target: int, mode: int) -> None:
    """Copy a regular file from one open directory into another, as root's; see `copy_file`."""
    opened = open_entry(here, name)
    try:
        copy_opened(opened, target, name, mode)
    finally:
        os.close(opened)


def links(path: str) -> List[Tuple[str, str]]:
    """Return the links below a directory: path relative to it, and target."""
    found: List[Tuple[str, str]] = []

    def visit(here: int, entry: Entry) -> None:
        parts, what = entry
        if stat.S_ISLNK(what.st_mode):
            found.append(("/".join(parts), os.readlink(parts[-1], dir_fd=here)))

    _visit_all(path, visit)
    return found


def regular_files(path: str) -> List[str]:
    """Return the regular files below a directory, relative to it; none if it is not there."""
    found: List[str] = []

    def visit(here: int, entry: Entry) -> None:
        parts, what = entry
        if stat.S_ISREG(what.st_mode):
            found.append("/".join(parts))

    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        _visit_all(path, visit)
    return found


def _visit_all(path: str, visit: Callable[[int, Entry], None]) -> None:
    top = open_directory(path)
    try:
        walk(top, visit, most_depth=MOST_DEPTH)
    finally:
        os.close(top)


def descend(top: int, parts: Sequence[str]) -> int:
    """Open a directory below an open one; no link is followed.

    Raises:
        FileNotFoundError: it is not there.
        OSError: ENOTDIR or ELOOP, where something else is in its place.
    """
    held = os.dup(top)
    try:
        for name in parts:
            held = _step(held, name)
    except OSError:
        os.close(held)
        raise
    return held


def give_tree(path: str, user_id: int, group_id: int) -> None:
    """Give a directory with all that is in it to a user; links themselves, not what they lead to.

    It must lie where only root may write, or be the work of nobody else.
    """

    def visit(here: int, entry: Entry) -> None:
        parts, _ = entry
        os.chown(parts[-1], user_id, group_id, dir_fd=here, follow_symlinks=False)

    _visit_all(path, visit)
    with parent(path) as (held, name):
        os.chown(name, user_id, group_id, dir_fd=held, follow_symlinks=False)
