"""Static files of old and new releases, side by side."""

from __future__ import annotations

import gzip
import os
from dataclasses import dataclass
from typing import ClassVar, Dict, Mapping

from provisioning.agent.layout import AppLayout
from provisioning.agent.releases import Releases, regular_files
from provisioning.agent.resource import Change, Resource, State
from provisioning.agent.system import System

COMPRESSIBLE = (".css", ".js", ".mjs", ".svg", ".html", ".json", ".map", ".txt", ".xml", ".wasm")
COMPRESS_FROM_BYTES = 1024
"""Smaller files fit into a packet or two either way."""


@dataclass(frozen=True)
class StaticFiles(Resource):
    """Have a release's static files where the web server finds them.

    Pages of the old release are still open in browsers while the new one goes live. So new
    names are added before the switch, and names whose content differs are replaced after it.

    Args:
        app: The app's name.
        release: The release's id; "" for the one that is live.
        folders: URL folder ("/static/") -> folder below the code's root.
        replace: Replace what differs; without it only what is missing is added.
    """

    kind: ClassVar[str] = "static"

    app: str
    release: str
    folders: Mapping[str, str]
    replace: bool = False

    @property
    def name(self) -> str:
        return f"{self.app}/{self.release or 'live'}" + (" replaced" if self.replace else "")

    def _files(self, system: System) -> Dict[str, str]:
        """Return path below the pool -> path in the release."""
        release = self.release or Releases(self.app, system).live
        if not release:
            return {}
        found = {}
        for url, folder in self.folders.items():
            source = os.path.join(AppLayout(self.app).code(release), folder)
            for path in regular_files(system, source):
                found[os.path.join(url.strip("/"), path)] = os.path.join(source, path)
        return found

    def _wanted(self, system: System) -> Dict[str, str]:
        """Return those of the files that are not in the pool as they should be."""
        pool = AppLayout(self.app).static
        wanted = {}
        for path, source in self._files(system).items():
            there = os.path.join(pool, path)
            if system.stat(there) is None or (self.replace and not _same(system, there, source)):
                wanted[path] = source
        return wanted

    def desired(self) -> State:
        return {"to publish": 0}

    def actual(self, system: System) -> State:
        return {"to publish": len(self._wanted(system))}

    def apply(self, system: System, change: Change) -> None:
        if system.dry:
            return
        pool = AppLayout(self.app).static
        for path, source in self._wanted(system).items():
            full = os.path.join(pool, path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            data = system.read(source)
            compressed = full + ".gz"
            if path.endswith(COMPRESSIBLE) and len(data) >= COMPRESS_FROM_BYTES:
                # No time stamp, so that every host serves the same bytes.
                system.write(compressed, gzip.compress(data, 9, mtime=0))
            elif path + ".gz" not in self._files(system):
                system.remove(compressed)
            system.write(full, data)


def _same(system: System, one: str, other: str) -> bool:
    return system.digest(one) == system.digest(other)
