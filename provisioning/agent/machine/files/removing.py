"""Remove files, and trees that others may change at the same time."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
import time
from typing import List, Optional, Tuple

from provisioning.agent.errors import AgentError
from provisioning.agent.machine.files.paths import parent
from provisioning.agent.machine.files.reading import READ
from provisioning.agent.machine.files.trees import MOST_DEPTH


class TooMuchError(AgentError):
    """A tree could not be removed within its time."""


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
    """Remove a file, a link or a whole directory, if there is one."""
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
        return os.open(name, READ | os.O_DIRECTORY, dir_fd=held)
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
                    f"cannot remove all of {path} in the time allowed: it holds too much",
                    hint=f"remove the rest on the host: rm -rf {path}",
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
