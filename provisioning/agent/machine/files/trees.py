"""Visit all that is below a directory; no link is followed."""

from __future__ import annotations

import contextlib
import os
import stat
from typing import Callable, List, Tuple

from provisioning.agent.machine.files.paths import UnsafePathError, parent
from provisioning.agent.machine.files.reading import READ, open_directory

MOST_DEPTH = 64
"""Directories that are open at once; the removal of a tree moves deeper ones up."""

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
                    raise UnsafePathError(f"directories are nested more than {most_depth} deep")
                opened = os.open(name, READ | os.O_DIRECTORY, dir_fd=here)
                stack.append((opened, parts, _backwards(opened)))
    finally:
        for here, _, _ in stack:
            if here != top:
                os.close(here)


def _backwards(opened: int) -> List[str]:
    """Return the names in an open directory, the first one last: to be taken from the end."""
    return sorted(os.listdir(opened), reverse=True)


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
