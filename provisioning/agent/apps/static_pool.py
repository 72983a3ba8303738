"""The folder of published static files: what is in a file's way there, and how to replace it."""

from __future__ import annotations

import os
from typing import Dict

from provisioning.agent.layout import temporary
from provisioning.agent.machine import files
from provisioning.agent.machine.system import DIRECTORY, FILE, System


class Pool:
    """The directory of an app's published files.

    What was a file may be a directory in another release, or the other way round. Both cannot be
    there: what the other release has is in the way of this one's, and gives way at the switch.

    Args:
        root: The directory.
        system: The machine.
    """

    def __init__(self, root: str, system: System) -> None:
        self._root = root
        self._system = system
        self._above: Dict[str, str] = {root: ""}

    def in_the_way(self, path: str) -> str:
        """Return what has the wrong type at a file's path or above it; "" if nothing has."""
        above = self._wrong_above(os.path.dirname(path))
        if above:
            return above
        found = self._system.stat(path)
        return path if found is not None and found.type != FILE else ""

    def _wrong_above(self, directory: str) -> str:
        if directory not in self._above:
            wrong = self._wrong_above(os.path.dirname(directory))
            if not wrong:
                found = self._system.stat(directory)
                # A link to a directory somewhere else can only be root's.
                is_wrong = found is not None and not os.path.isdir(directory)
                wrong = directory if is_wrong else ""
            self._above[directory] = wrong
        return self._above[directory]

    def clear_if_empty(self, path: str) -> bool:
        """Remove directories in which there is no file; return whether that was all."""
        found = self._system.stat(path)
        if found is None or found.type != DIRECTORY or files.regular_files(path):
            return False
        self._system.remove(path)
        return True


def beside(path: str, in_the_way: str) -> str:
    """Return where a file is made ready while something is in its way."""
    return temporary(in_the_way) + path[len(in_the_way) :]


def take_place(path: str, system: System) -> None:
    """Move what was prepared next to a path to that path, whatever is there."""
    found, ready = system.stat(path), system.stat(temporary(path))
    is_file = ready is not None and ready.type == FILE
    aside = temporary(path + ".before")
    if found is not None and not (is_file and found.type == FILE):
        # What a run that was cut off has left.
        system.remove(aside)
        files.rename(path, aside)
    if is_file:
        system.put_in_place(path)
    else:
        files.rename(temporary(path), path)
        files.sync(os.path.dirname(path))
    system.remove(aside)


def prune(root: str, path: str, system: System) -> None:
    """Remove a published file, and directories that have nothing else.

    Args:
        root: Of the published files.
        path: Below it.
        system: The machine.
    """
    system.remove(os.path.join(root, path))
    above = os.path.dirname(path)
    while above and files.remove_if_empty(os.path.join(root, above)):
        above = os.path.dirname(above)
