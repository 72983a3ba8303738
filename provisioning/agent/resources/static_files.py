"""Static files of old and new releases, side by side."""

from __future__ import annotations

import gzip
import os
from dataclasses import dataclass
from typing import ClassVar, Dict, Mapping, Tuple

from provisioning.agent import files as fs
from provisioning.agent.apps.releases import Releases
from provisioning.agent.apps.static_sources import static_sources
from provisioning.agent.errors import AgentError
from provisioning.agent.layout import AppLayout, temporary
from provisioning.agent.resource import Change, Resource, State
from provisioning.agent.system import DIRECTORY, System

COMPRESSIBLE = (".css", ".js", ".mjs", ".svg", ".html", ".json", ".map", ".txt", ".xml", ".wasm")
COMPRESS_FROM_BYTES = 1024
"""Smaller files fit into a packet or two either way."""


@dataclass(frozen=True)
class StaticFiles(Resource):
    """Have a release's static files where the web server finds them.

    Pages of the old release are still open in browsers while the new one goes live. So new
    names are added before the switch, and names whose content differs are replaced after it.
    Before it those are written beside their places: a disk that fills up must not be able to
    leave the new release with the old one's files.

    Args:
        app: The app's name.
        release: The release's id; "" for the one that is live. It says itself which of its
            folders are static: the inventory may have changed since.
        replace: Replace what differs; without it only what is missing is added.
    """

    kind: ClassVar[str] = "static"

    app: str
    release: str
    replace: bool = False

    @property
    def name(self) -> str:
        return f"{self.app}/{self.release or 'live'}" + (" replaced" if self.replace else "")

    def _files(self, system: System) -> Dict[str, str]:
        """Return where the files belong -> where the release has them."""
        layout = AppLayout(self.app)
        releases = Releases(self.app, system)
        release = self.release or releases.live
        manifest = releases.manifest(release) if release else {}
        code = layout.code(release)
        return {
            os.path.join(layout.static, path): os.path.join(code, source)
            for path, source in static_sources(manifest).items()
        }

    def _wrong(
        self, files: Mapping[str, str], system: System
    ) -> Tuple[Dict[str, str], Dict[str, str]]:
        """Return those of the files of which there are none, and others, of the name."""
        missing, differing = {}, {}
        for path, source in files.items():
            if system.stat(path) is None:
                missing[path] = source
            elif not _same(system, path, source):
                differing[path] = source
        return missing, differing

    def _unready(self, differing: Mapping[str, str], system: System) -> Dict[str, str]:
        """Return those of the files that differ and are not beside their places yet."""
        return {
            path: source
            for path, source in differing.items()
            if not _same(system, temporary(path), source)
        }

    def desired(self) -> State:
        return {"to publish": 0} if self.replace else {"to publish": 0, "to have ready": 0}

    def actual(self, system: System) -> State:
        missing, differing = self._wrong(self._files(system), system)
        if self.replace:
            return {"to publish": len(missing) + len(differing)}
        unready = self._unready(differing, system)
        return {"to publish": len(missing), "to have ready": len(unready)}

    def apply(self, system: System, change: Change) -> None:
        if system.dry:
            return
        files = self._files(system)
        missing, differing = self._wrong(files, system)
        unready = self._unready(differing, system)
        replaced = differing if self.replace else {}
        for path, source in {**unready, **missing, **replaced}.items():
            if path in missing or path in unready:
                self._make_room(path, system)
                self._write_beside(path, source, files, system)
            if path in missing or path in replaced:
                self._put_in_place(path, files, system)

    def _make_room(self, path: str, system: System) -> None:
        """Make a file's directory; before the switch it must be sure that it can be there."""
        found = system.stat(path)
        try:
            fs.make_directory(os.path.dirname(path))
        except (FileExistsError, NotADirectoryError):
            is_in_the_way = True
        else:
            is_in_the_way = found is not None and found.type == DIRECTORY
        if is_in_the_way:
            raise AgentError(
                f"{path} cannot be published: an earlier release has a file where this one has a "
                "directory, or the other way round",
                hint="give it another name: pages of both releases are open while one follows "
                "the other",
            )

    def _write_beside(
        self, path: str, source: str, files: Mapping[str, str], system: System
    ) -> None:
        """Write a file beside its place, and before it what it is compressed to."""
        data = system.read(source)
        is_worth_it = path.endswith(COMPRESSIBLE) and len(data) >= COMPRESS_FROM_BYTES
        if not is_worth_it or path + ".gz" in files:
            system.write_beside(path, data)
            return
        # No time stamp, so that every host serves the same bytes.
        system.write_beside(path + ".gz", gzip.compress(data, 9, mtime=0))
        try:
            system.write_beside(path, data)
        except OSError:
            system.remove(temporary(path + ".gz"))
            raise

    def _put_in_place(self, path: str, files: Mapping[str, str], system: System) -> None:
        compressed = path + ".gz"
        if compressed not in files:
            if system.stat(temporary(compressed)) is not None:
                system.put_in_place(compressed)
            else:
                system.remove(compressed)
        system.put_in_place(path)


def _same(system: System, one: str, other: str) -> bool:
    return system.digest(one) == system.digest(other)
