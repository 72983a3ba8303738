"""Take over code that a build has changed: root owns a checked copy of what the build left.

The build's commands run what packages have written. So nothing of its own stays, as with virtual
environments (takeover.py): root copies files, makes directories, and remembers links to make later.
"""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass, field
from typing import Dict, List, Mapping, Tuple

from provisioning.agent.builds.copying import SHOWN_CHARS
from provisioning.agent.builds.room import check_room, stays_within
from provisioning.agent.builds.takeover import MOST_DEPTH, MOST_ENTRIES
from provisioning.agent.errors import AgentError
from provisioning.agent.machine import files

LEFT_BEHIND = ("node_modules", "__pycache__", ".git")
"""Directories of tools, wherever they are: what runs in a browser was made from the first, and
each host compiles its own of the second."""

CHUNK_BYTES = 1 << 20


@dataclass
class BuiltCode:
    """What a release's code is after its build.

    Args:
        files: Path below the code -> digest.
        links: Path -> target.
        left_behind: Directories of tools that were there, and did not come along.
    """

    files: Dict[str, str] = field(default_factory=dict)
    links: Dict[str, str] = field(default_factory=dict)
    left_behind: List[str] = field(default_factory=list)


def take_over_code(
    source: str, old: str, new: str, known: Mapping[str, str], may_lead: Tuple[str, ...]
) -> BuiltCode:
    """Copy what a build has left; files that it did not change are shared with what it began with.

    Args:
        source: The build's own folder; nothing of the build runs any more.
        old: The code before the build, root's.
        new: Where nothing is yet.
        known: Path -> digest of the files in `old`.
        may_lead: Where absolute links may lead: below the code's path to be, and its virtualenv.

    Raises:
        AgentError: it holds what does not belong into a release.
    """
    taking = _Taking(old, new, known, may_lead)
    top = files.open_directory(source)
    try:
        check_room(
            top, os.path.dirname(new), "what the app's build has made",
            most_entries=MOST_ENTRIES, most_depth=MOST_DEPTH, is_left_out=_is_left_behind,
        )  # fmt: skip
        files.make_directory(new)
        files.walk(top, taking.visit, most_depth=MOST_DEPTH)
    except files.UnsafePathError as error:
        raise _refused(error.message) from None
    finally:
        os.close(top)
    return taking.built


def _refused(why: str) -> AgentError:
    return AgentError(
        f"the result of the app's build was refused: {why}",
        hint="correct the commands of `build`; if they do not make that, a package that they run "
        "does: find it, and remove it",
        refused=True,
    )


class _Taking:
    def __init__(
        self, old: str, new: str, known: Mapping[str, str], may_lead: Tuple[str, ...]
    ) -> None:
        self._old, self._new, self._known, self._may_lead = old, new, known, may_lead
        self.built = BuiltCode()

    def visit(self, here: int, entry: files.Entry) -> None:
        """Take an entry over."""
        parts, found = list(entry[0]), entry[1]
        path = "/".join(parts)
        if _is_left_behind(entry):
            if parts[-1] == LEFT_BEHIND[0] and LEFT_BEHIND[0] not in parts[:-1]:
                self.built.left_behind.append(path)
            return
        if stat.S_ISDIR(found.st_mode):
            files.make_directory(os.path.join(self._new, path))
        elif stat.S_ISLNK(found.st_mode):
            link = os.readlink(parts[-1], dir_fd=here)
            if not self._may_link(parts, link):
                raise _refused(f"{path[:SHOWN_CHARS]} is a link to {link[:SHOWN_CHARS]}")
            self.built.links[path] = link
        elif stat.S_ISREG(found.st_mode):
            self._take_file(here, path, found)
        else:
            raise _refused(f"{path[:SHOWN_CHARS]} is neither a file nor a directory")

    def _take_file(self, here: int, path: str, found: os.stat_result) -> None:
        if found.st_mode & (stat.S_ISUID | stat.S_ISGID):
            raise _refused(f"{path[:SHOWN_CHARS]} is a program with set-id rights")
        mode = 0o755 if found.st_mode & 0o111 else 0o644
        name, full = os.path.basename(path), os.path.join(self._new, path)
        digest = _digest(here, name)
        before = os.path.join(self._old, path)
        if self._known.get(path) == digest and files.lstat(before).st_mode & 0o7777 == mode:
            files.link(before, full)
        else:
            with files.directory(os.path.dirname(full)) as target:
                files.copy_entry(here, name, target, mode)
        self.built.files[path] = digest

    def _may_link(self, parts: List[str], link: str) -> bool:
        """Return whether a link stays in the code, or leads to what the release runs on."""
        if link.startswith("/"):
            is_inside = any(link.startswith(f"{each}/") for each in self._may_lead)
            return is_inside and ".." not in link.split("/")
        return stays_within(len(parts), link)


def _is_left_behind(entry: files.Entry) -> bool:
    return any(part in LEFT_BEHIND for part in entry[0])


def _digest(here: int, name: str) -> str:
    found = hashlib.sha256()
    opened = files.open_entry(here, name)
    try:
        while data := os.read(opened, CHUNK_BYTES):
            found.update(data)
    finally:
        os.close(opened)
    return found.hexdigest()
