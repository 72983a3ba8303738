"""Static files of old and new releases, side by side."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import ClassVar, Dict, List, Mapping

from provisioning.agent.apps.releases import Releases
from provisioning.agent.apps.static_copies import BROTLI, GZIP, gzipped, is_compressible, is_free
from provisioning.agent.apps.static_pool import Pool, beside, take_place
from provisioning.agent.apps.static_sources import static_sources_of
from provisioning.agent.layout import AppLayout, temporary
from provisioning.agent.machine import files as fs
from provisioning.agent.machine.system import FILE, System
from provisioning.agent.resource import Change, Resource, State


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

    kind: ClassVar[str] = "static-files"

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
        code = layout.code(release)
        sources = static_sources_of(releases, release) if release else {}
        return {
            os.path.join(layout.static, path): os.path.join(code, source)
            for path, source in sources.items()
        }

    def _wrong(self, files: Mapping[str, str], system: System) -> _Wrong:
        wrong, pool = _Wrong(), Pool(AppLayout(self.app).static, system)
        for path, source in files.items():
            in_the_way = pool.in_the_way(path)
            if in_the_way:
                wrong.blocked[path] = in_the_way
                is_ready = _same(system, beside(path, in_the_way), source)
            elif system.stat(path) is None:
                wrong.missing.append(path)
                continue
            elif not _same(system, path, source):
                wrong.differing.append(path)
                is_ready = _same(system, temporary(path), source)
            else:
                continue
            if not is_ready:
                wrong.unready.append(path)
        return wrong

    def desired(self) -> State:
        return {"to publish": 0} if self.replace else {"to publish": 0, "to have ready": 0}

    def actual(self, system: System) -> State:
        wrong = self._wrong(self._files(system), system)
        if self.replace:
            return {"to publish": len(wrong.missing) + len(wrong.differing) + len(wrong.blocked)}
        return {"to publish": len(wrong.missing), "to have ready": len(wrong.unready)}

    def apply(self, system: System, change: Change) -> None:
        if system.dry:
            return
        files = self._files(system)
        pool = Pool(AppLayout(self.app).static, system)
        emptied = {pool.in_the_way(path) for path in files} - {""}
        for path in sorted(emptied):
            pool.clear_if_empty(path)
        wrong = self._wrong(files, system)
        writing = _Writing(files, system)
        in_time = wrong.missing if self.replace else [*wrong.missing, *wrong.unready]
        for path in in_time:
            writing.make_ready(path, wrong.blocked.get(path, ""))
            if path not in wrong.unready:
                writing.put_in_place(path)
        if self.replace:
            for path in wrong.differing:
                if path in wrong.unready:
                    writing.make_ready(path)
                writing.put_in_place(path)
            for path in wrong.blocked:
                if path in wrong.unready:
                    writing.make_ready(path, wrong.blocked[path])
            writing.take_places(wrong)


@dataclass
class _Wrong:
    """Files that are not as a release has them.

    Args:
        missing: There is none of the name, and nothing in its way.
        differing: There is another one.
        blocked: Path -> what of another kind is in its way, there or above it.
        unready: Those of `differing` and `blocked` that are not beside their places yet.
    """

    missing: List[str] = field(default_factory=list)
    differing: List[str] = field(default_factory=list)
    blocked: Dict[str, str] = field(default_factory=dict)
    unready: List[str] = field(default_factory=list)


class _Writing:
    """Writes a release's files, and their gzip copies; for brotli's see `StaticCopies`.

    Args:
        files: Path -> where the release has it.
        system: The machine.
    """

    def __init__(self, files: Mapping[str, str], system: System) -> None:
        self._files = files
        self._system = system
        self._folders = {os.path.dirname(path) for path in files}

    def make_ready(self, path: str, in_the_way: str = "") -> None:
        """Write a file next to its place, and its compressed form before it.

        Args:
            path: Where it belongs.
            in_the_way: What is there, or above it, until the switch; "" for nothing.
        """
        data = self._system.read(self._files[path])
        compressed = self._compressed(path, data)
        if in_the_way not in ("", path):
            self._make_ready_in_a_folder(beside(path, in_the_way), in_the_way, data, compressed)
            return
        fs.make_directory(os.path.dirname(path))
        if not compressed:
            self._system.write_beside(path, data)
            return
        self._system.write_beside(path + GZIP, compressed)
        try:
            self._system.write_beside(path, data)
        except OSError:
            self._system.remove(temporary(path + GZIP))
            raise

    def _make_ready_in_a_folder(
        self, place: str, in_the_way: str, data: bytes, compressed: bytes
    ) -> None:
        """Write a file where the folder is made ready that takes the place of a file."""
        found = self._system.stat(temporary(in_the_way))
        if found is not None and found.type == FILE:
            # Another release's, of a run that was cut off.
            self._system.remove(temporary(in_the_way))
        fs.make_directory(os.path.dirname(place))
        if compressed:
            self._system.write(place + GZIP, compressed)
        self._system.write(place, data)

    def put_in_place(self, path: str) -> None:
        """Put a file that is ready in its place."""
        # Before the file: from then on a copy would be of another one.
        self._remove_copy(path + BROTLI)
        compressed = path + GZIP
        if self._is_free(compressed) and self._system.stat(temporary(compressed)) is not None:
            take_place(compressed, self._system)
        else:
            self._remove_copy(compressed)
        take_place(path, self._system)

    def _remove_copy(self, copy: str) -> None:
        """Remove a copy of what an earlier release had, unless the release brings its own."""
        found = self._system.stat(copy)
        if found is not None and found.type == FILE and self._is_free(copy):
            self._system.remove(copy)

    def take_places(self, wrong: _Wrong) -> None:
        """Move the prepared files to their places, and replace what is there."""
        for in_the_way in dict.fromkeys(wrong.blocked.values()):
            if in_the_way in self._files:
                self.put_in_place(in_the_way)
            else:
                take_place(in_the_way, self._system)

    def _compressed(self, path: str, data: bytes) -> bytes:
        """Return what a file is compressed to, or nothing where that is not worth it."""
        is_worth_it = is_compressible(path, len(data)) and self._is_free(path + GZIP)
        return gzipped(data) if is_worth_it else b""

    def _is_free(self, copy: str) -> bool:
        return is_free(copy, self._files, self._folders)


def _same(system: System, one: str, other: str) -> bool:
    return system.digest(one) == system.digest(other)
