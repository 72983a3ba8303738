"""Copy what a build has left, entry by entry: plain files, directories, links in it."""

from __future__ import annotations

import os
import stat
from typing import List, Protocol

from provisioning.agent.errors import AgentError
from provisioning.agent.layout import READY
from provisioning.agent.machine import files

SHOWN_CHARS = 200


class Result(Protocol):
    """What a build has left."""

    def may_link(self, parts: List[str], link: str) -> bool:
        """Return whether a link at a path may lead there."""

    def refused(self, parts: List[str], what: str) -> AgentError:
        """Return the error that names an entry that has no business in it."""


class Copying:
    """Copies entries, one by one.

    Args:
        built: What they are of.
        copy: Where they are copied to: an open directory of root's.
    """

    def __init__(self, built: Result, copy: int) -> None:
        self._built = built
        self._copy = copy

    def visit(self, here: int, entry: files.Entry) -> None:
        """Copy one entry of an open directory, or refuse it."""
        parts, found = list(entry[0]), entry[1]
        name = parts[-1]
        if parts[0] == READY:
            # Root alone says that it is whole.
            return
        target = files.descend(self._copy, parts[:-1])
        try:
            if stat.S_ISDIR(found.st_mode):
                os.mkdir(name, 0o755, dir_fd=target)
            elif stat.S_ISLNK(found.st_mode):
                link = os.readlink(name, dir_fd=here)
                if not self._built.may_link(parts, link):
                    raise self._built.refused(parts, f"a link to {link[:SHOWN_CHARS]}")
                os.symlink(link, name, dir_fd=target)
            elif stat.S_ISREG(found.st_mode):
                if found.st_mode & (stat.S_ISUID | stat.S_ISGID):
                    raise self._built.refused(parts, "a program with set-id rights")
                mode = 0o755 if found.st_mode & 0o111 else 0o644
                files.copy_entry(here, name, target, mode)
            else:
                raise self._built.refused(parts, "neither a file nor a directory")
        finally:
            os.close(target)
