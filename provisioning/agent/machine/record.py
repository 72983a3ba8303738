"""The record of what Homeport made on this host, and for which project.

Several projects and environments may use one host. Each is an owner, "project/environment"; what
they share (web server, certbot, base) has several owners, and an app has one. A thing is written
down before it is made and taken out after it is gone, so that a run which is cut off leaves at
worst a thing in the record that is not there.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import Any, Dict, Iterable, List, Mapping, Optional, Set, Tuple

from provisioning.agent import layout
from provisioning.agent.errors import AgentError
from provisioning.agent.machine import durable

FORMAT = 1


@dataclass(frozen=True)
class AppEntry:
    """An app in the record.

    Args:
        owner: The project and environment that it belongs to.
        domains: The names it is served under.
    """

    owner: str
    domains: Tuple[str, ...] = ()


@dataclass
class _Entry:
    owners: Set[str] = field(default_factory=set)
    since: float = 0.0


class Record:
    """What Homeport made: things by id, and apps by name.

    Args:
        path: The file; None keeps nothing.
        writable: Whether changes are written to the file.

    Raises:
        AgentError: the file is there, and is not a record.
    """

    def __init__(self, path: Optional[str] = None, *, writable: bool = True) -> None:
        self._path = path
        self._writable = writable and path is not None
        self._things: Dict[str, _Entry] = {}
        self._apps: Dict[str, AppEntry] = {}
        if path is not None:
            self._load(path)

    @classmethod
    def of_host(cls, *, writable: bool) -> Record:
        """Return the host's own record."""
        return cls(layout.OWNED, writable=writable)

    # Things

    def has(self, thing: str) -> bool:
        """Return whether Homeport made a thing, for whomever."""
        return thing in self._things

    def owners(self, thing: str) -> Set[str]:
        """Return the owners for which Homeport made a thing."""
        found = self._things.get(thing)
        return set(found.owners) if found else set()

    def add(self, owner: str, things: Iterable[str]) -> None:
        """Write down, durably, that things are made for an owner."""
        changed = False
        for thing in things:
            entry = self._things.setdefault(thing, _Entry(since=time.time()))
            if owner not in entry.owners:
                entry.owners.add(owner)
                changed = True
        if changed:
            self._save()

    def release(self, owner: str, thing: str) -> bool:
        """Take an owner from a thing, durably.

        Returns:
            Whether it belongs to nobody any more, so that it may be removed. It stays in the record
            until `forget`.
        """
        entry = self._things.get(thing)
        if entry is None:
            return False
        if entry.owners - {owner}:
            entry.owners.discard(owner)
            self._save()
            return False
        return True

    def forget(self, things: Iterable[str]) -> None:
        """Take things out of the record, durably: they are gone."""
        gone = [thing for thing in things if self._things.pop(thing, None)]
        if gone:
            self._save()

    def things(self) -> Mapping[str, Tuple[List[str], float]]:
        """Return all things: id -> owners, and since when in seconds since the epoch."""
        return {
            thing: (sorted(entry.owners), entry.since)
            for thing, entry in sorted(self._things.items())
        }

    # Apps

    @property
    def apps(self) -> Mapping[str, AppEntry]:
        """All apps by name."""
        return self._apps

    def put_app(self, name: str, entry: AppEntry) -> None:
        """Write an app down, durably."""
        if self._apps.get(name) != entry:
            self._apps[name] = entry
            self._save()

    def remove_app(self, name: str) -> None:
        """Take an app out of the record, durably."""
        if self._apps.pop(name, None) is not None:
            self._save()

    # The file

    def _load(self, path: str) -> None:
        try:
            with open(path) as file:
                values = json.load(file)
            self._things = {
                thing: _Entry(set(entry["owners"]), float(entry["since"]))
                for thing, entry in values["things"].items()
            }
            self._apps = {
                name: AppEntry(entry["owner"], tuple(entry["domains"]))
                for name, entry in values["apps"].items()
            }
        except FileNotFoundError:
            return
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise AgentError(
                f"cannot read {path}, the record of what Homeport made on this host: {error}",
                hint="repair the file, or move it away: Homeport then recognises again what it "
                "made on the host",
            ) from None

    def _save(self) -> None:
        if not self._writable or self._path is None:
            return
        values: Dict[str, Any] = {
            "format": FORMAT,
            "apps": {
                name: {"owner": entry.owner, "domains": list(entry.domains)}
                for name, entry in self._apps.items()
            },
            "things": {
                thing: {"owners": sorted(entry.owners), "since": round(entry.since)}
                for thing, entry in self._things.items()
            },
        }
        durable.replace(self._path, json.dumps(values, indent=1, sort_keys=True))
