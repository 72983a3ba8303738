"""An app's releases as they lie on the host."""

from __future__ import annotations

import os
import re
from typing import Any, Dict, List, Mapping, NamedTuple

from provisioning.agent.answers import LIVE, STOPPED, HistoryEvent
from provisioning.agent.apps.history import History
from provisioning.agent.apps.manifest import missing_parts, read_manifest
from provisioning.agent.apps.runtimes import lost_of
from provisioning.agent.layout import AppLayout
from provisioning.agent.machine.system import LINK, System

RELEASE_ID = re.compile(r"\d{8}T\d{6}\.\d{3}Z-[0-9a-z]{1,16}")
"""<utc>-<commit>: sorts by time. The commit is "nocommit" where there is none."""


class Condition(NamedTuple):
    """How a complete release is.

    Args:
        lost: What it was built for and the host no longer has, as "Python 3.11", or "".
        lacks: That, and its parts that are missing, by name; none of a whole one.
    """

    lost: str
    lacks: List[str]


class Releases:
    """The releases of one app.

    Args:
        app: Its name.
        system: The machine.
    """

    def __init__(self, app: str, system: System) -> None:
        self.layout = AppLayout(app)
        self._system = system
        self._history = History(app, system)

    def complete(self) -> List[str]:
        """Return the ids of releases that were built to the end, oldest first."""
        return list(self.manifests())

    def manifests(self) -> Dict[str, Mapping[str, Any]]:
        """Return id -> manifest of releases that were built to the end, oldest first."""
        names = filter(RELEASE_ID.fullmatch, self._system.list(self.layout.releases))
        found = {name: self.manifest(name) for name in names}
        return {name: manifest for name, manifest in found.items() if manifest}

    def manifest(self, release: str) -> Mapping[str, Any]:
        """Return what a release is made of; empty if it is not there."""
        return read_manifest(self.layout.release(release), self._system)

    def lacks(self, release: str) -> List[str]:
        """Return the parts of a complete release that are missing, by name."""
        return self.condition(release, self.manifest(release)).lacks

    def lost(self, release: str) -> str:
        """Return what a release was built for and the host no longer has, as "Python 3.11"."""
        return lost_of(self.layout.release(release), self.manifest(release), self._system)

    def condition(self, release: str, manifest: Mapping[str, Any]) -> Condition:
        """Return how a complete release is.

        Args:
            release: Its id.
            manifest: Its own.
        """
        directory = self.layout.release(release)
        lost = lost_of(directory, manifest, self._system)
        parts = missing_parts(directory, manifest, self.layout.unit(release))
        return Condition(lost, [*filter(None, [lost]), *parts])

    def socket(self, release: str) -> str:
        """Return the path of a release's socket, also of one that an earlier Homeport made."""
        unit = os.path.join(self.layout.units(release), self.layout.socket_unit(release))
        is_ours = self._system.stat(unit) is not None
        return self.layout.socket(release) if is_ours else self.layout.earlier_socket(release)

    @property
    def live(self) -> str:
        """The id of the release that visitors see, or ""."""
        found = self._system.stat(self.layout.live_socket)
        if found is None or found.type != LINK:
            return ""
        base = os.path.basename(found.target)
        return base[: -len(".sock")] if base.endswith(".sock") else ""

    @property
    def stopped(self) -> str:
        """The id of the release that was stopped while it was live, and is still there, or ""."""
        if self.live:
            return ""
        said = [each for each in self.history() if each.event in (LIVE, STOPPED)]
        if not said or said[-1].event != STOPPED or said[-1].release not in self.complete():
            return ""
        return said[-1].release

    @property
    def previous(self) -> str:
        """The id of the release that was live before this one and is still there, or ""."""
        there, live = set(self.complete()), self.live or self.stopped
        earlier = [each for each in self._history.were_live() if each in there and each != live]
        return earlier[-1] if earlier else ""

    def history(self) -> List[HistoryEvent]:
        """Return what happened to the app's releases, oldest first."""
        return self._history.events()
