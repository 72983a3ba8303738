"""What a host remembers between runs: which inputs its services last loaded.

A record is written only after a successful (re)load, and taken back *before* one of the
inputs is changed. So a run that dies between writing a configuration and reloading the
service leaves a missing record, which the next run sees as a difference like any other.
"""

from __future__ import annotations

import json
from typing import Dict, Iterable, Optional, Sequence

from provisioning.agent import layout
from provisioning.agent.machine import durable


class Memory:
    """Resource id -> digest of the inputs it last acted upon, for each owner.

    What several projects on a host share, each has made of files of its own: what one has loaded
    says nothing against what another has. An owner who knows nothing of a resource yet takes what
    another one knows.

    Args:
        path: The file; None keeps nothing (in a check, changes stay in memory).
        writable: Whether changes are written to the file.
    """

    def __init__(self, path: Optional[str] = None, *, writable: bool = True) -> None:
        self._path = path
        self._writable = writable and path is not None
        self._records: Dict[str, Dict[str, str]] = _load(path)
        self.owner = ""

    @classmethod
    def of_host(cls, *, writable: bool) -> Memory:
        """Return the host's own memory."""
        return cls(layout.MEMORY, writable=writable)

    def recall(self, key: str) -> str:
        """Return what was remembered, or ""."""
        known = self._records.get(key, {})
        return known.get(self.owner, next(iter(known.values()), ""))

    def knows(self, prefix: str) -> bool:
        """Return whether anything is remembered under a key that begins so."""
        return any(key.startswith(prefix) for key in self._records)

    def remember(self, key: str, digest: str) -> None:
        """Remember, durably."""
        if self._records.get(key, {}).get(self.owner) != digest:
            self._records.setdefault(key, {})[self.owner] = digest
            self._save()

    def forget(self, key: str) -> None:
        """Forget, durably: this owner sees a difference next, whatever others know."""
        if not self.recall(key):
            return
        known = self._records[key]
        if set(known) <= {self.owner}:
            del self._records[key]
        else:
            known[self.owner] = ""
        self._save()

    def forget_all(self, keys: Iterable[str]) -> None:
        """Forget, durably, a memory of all owners: the thing that it was about is gone."""
        known = [self._records.pop(key, None) for key in keys]
        if any(known):
            self._save()

    def known(self) -> Sequence[str]:
        """Return everything that something is remembered about."""
        return tuple(self._records)

    def _save(self) -> None:
        if not self._writable or self._path is None:
            return
        durable.replace(self._path, json.dumps(self._records, indent=1, sort_keys=True))


def _load(path: Optional[str]) -> Dict[str, Dict[str, str]]:
    """Read the records. A damaged file means "nothing is known": services reload once more."""
    if path is None:
        return {}
    try:
        with open(path) as file:
            records = json.load(file)
    except (FileNotFoundError, ValueError):
        return {}
    if not isinstance(records, dict):
        return {}
    # An earlier Homeport knew of no owners.
    return {
        key: known if isinstance(known, dict) else {"": known} for key, known in records.items()
    }
