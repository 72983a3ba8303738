"""Find files of a new release that the host already has, in its other releases."""

from __future__ import annotations

import os
from typing import Dict, Iterator, Tuple

from provisioning.agent.apps.releases import Releases
from provisioning.agent.machine.system import System


class Sources:
    """The code files that an app's releases consist of.

    What a file says is checked before it is used: somebody may have edited it.

    Args:
        app: The app's name.
        system: The machine.
    """

    def __init__(self, app: str, system: System) -> None:
        releases = Releases(app, system)
        self._system = system
        self._any: Dict[str, str] = {}
        self._same: Dict[Tuple[str, str], str] = {}
        self._digests: Dict[str, str] = {}
        # The newest release comes last, and wins.
        for release in releases.complete():
            code = releases.layout.code(release)
            for path, digest in releases.manifest(release).get("files", {}).items():
                self._any[digest] = self._same[path, digest] = os.path.join(code, path)

    def find(self, path: str, digest: str) -> str:
        """Return a file with this content, preferably at the same path; "" if there is none."""
        for source in self._candidates(path, digest):
            if source not in self._digests:
                self._digests[source] = self._system.digest(source) or ""
            if self._digests[source] == digest:
                return source
        return ""

    def has_path(self, source: str, path: str, digest: str) -> bool:
        """Return whether a file that was found is one of the same path below its release's code."""
        return self._same.get((path, digest)) == source

    def _candidates(self, path: str, digest: str) -> Iterator[str]:
        if (path, digest) in self._same:
            yield self._same[path, digest]
        if digest in self._any:
            yield self._any[digest]
