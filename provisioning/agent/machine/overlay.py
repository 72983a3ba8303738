"""The machine as it would be: what `--check` walks over.

Reads go to the machine unless an earlier resource would have changed what is there;
changes stay in memory. So a check runs the very code that a run does.
"""

from __future__ import annotations

import hashlib
import os
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Set, Tuple

from provisioning.agent.machine.accounts import Account
from provisioning.agent.machine.programs import Completed
from provisioning.agent.machine.system import DIRECTORY, FILE, LINK, Stat, System
from provisioning.agent.machine.systemd import UnitState


class Overlay(System):
    """A System whose changes are only imagined."""

    dry = True

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._entries: Dict[str, Optional[Stat]] = {}
        self._data: Dict[str, bytes] = {}
        self._users: Dict[str, Account] = {}
        self._groups: Dict[str, Account] = {}
        self._installed: Dict[str, str] = {}
        self._imagined: Dict[str, UnitState] = {}
        self.acted = False

    # Reading

    def stat(self, path: str) -> Optional[Stat]:
        if path in self._entries:
            return self._entries[path]
        if self._hidden(path):
            return None
        return super().stat(path)

    def read(self, path: str) -> bytes:
        if path in self._entries or self._hidden(path):
            return self._data.get(path, b"")
        return super().read(path)

    def digest(self, path: str) -> Optional[str]:
        if path in self._data:
            return hashlib.sha256(self._data[path]).hexdigest()
        if path in self._entries or self._hidden(path):
            return None
        return super().digest(path)

    def list(self, path: str) -> List[str]:
        here = self.stat(path)
        names = set(super().list(path)) if here is not None and here.type == DIRECTORY else set()
        for each, entry in self._entries.items():
            if os.path.dirname(each) == path:
                (names.discard if entry is None else names.add)(os.path.basename(each))
        return sorted(names)

    def user(self, name: str) -> Optional[Account]:
        return self._users.get(name) or super().user(name)

    def group(self, name: str) -> Optional[Account]:
        return self._groups.get(name) or super().group(name)

    def _taken_numbers(self) -> Set[int]:
        imagined = (*self._users.values(), *self._groups.values())
        return super()._taken_numbers() | {account.id for account in imagined}

    def _name(self, kind: str, number: int) -> str:
        for account in (self._users if kind == "u" else self._groups).values():
            if account.id == number:
                return account.name
        return super()._name(kind, number)

    def packages(self) -> Mapping[str, str]:
        return {**super().packages(), **self._installed}

    def unit(self, name: str) -> UnitState:
        return self._imagined.get(name) or super().unit(name)

    # Changing

    def write(
        self,
        path: str,
        data: bytes,
        *,
        mode: str = "0644",
        owner: str = "root",
        group: str = "root",
    ) -> None:
        self._entries[path] = Stat(FILE, mode, owner, group, len(data))
        self._data[path] = data

    def make_directory(
        self, path: str, *, mode: str = "0755", owner: str = "root", group: str = "root"
    ) -> None:
        parent = os.path.dirname(path)
        if len(parent) > 1 and self.stat(parent) is None:
            self.make_directory(parent)
        self._entries[path] = Stat(DIRECTORY, mode, owner, group)

    def set_attributes(self, path: str, *, mode: str, owner: str, group: str) -> None:
        found = self.stat(path)
        if found is not None:
            if found.type == FILE and path not in self._data:
                self._data[path] = self.read(path)
            self._entries[path] = Stat(found.type, mode, owner, group, found.size)

    def link(self, path: str, target: str) -> None:
        self._entries[path] = Stat(LINK, "0777", "root", "root", 0, target)

    def remove(self, path: str) -> None:
        self._entries[path] = None
        self._data.pop(path, None)

    def act(
        self,
        argv: Sequence[str],
        *,
        why: str,
        creates: Iterable[str] = (),
        installs: Iterable[str] = (),
        users: Iterable[Account] = (),
        groups: Iterable[Account] = (),
        units: Iterable[Tuple[str, UnitState]] = (),
        **options: Any,
    ) -> Completed:
        imagined = dict(units)
        self._imagined.update(imagined)
        # What systemd would do with a unit changes nothing that a test reads.
        self.acted = self.acted or not imagined
        for path in creates:
            if self.stat(path) is None:
                self._entries[path] = Stat(FILE, "0644", "root", "root")
        self._installed.update(dict.fromkeys(installs, "to be installed"))
        self._users.update({account.name: account for account in users})
        self._groups.update({account.name: account for account in groups})
        return Completed(0, "", "")

    def imagines_outside(self, directory: str) -> bool:
        """Return whether earlier resources would change something elsewhere."""
        inside = directory + os.sep
        return any(path != directory and not path.startswith(inside) for path in self._entries)

    def imagined_below(self, directory: str) -> Iterable[Tuple[str, Optional[Stat], bytes]]:
        """Yield what earlier resources would have made below a directory, parents first."""
        for path in sorted(self._entries):
            if path.startswith(directory + os.sep):
                yield path, self._entries[path], self._data.get(path, b"")

    def _hidden(self, path: str) -> bool:
        """Return whether a directory above would have been removed."""
        parent = os.path.dirname(path)
        while len(parent) > 1:
            if parent in self._entries:
                entry = self._entries[parent]
                return entry is None or entry.type != DIRECTORY
            parent = os.path.dirname(parent)
        return False
