"""Static files of the live release, compressed with brotli."""

from __future__ import annotations

import json
import os
import stat
import time
from dataclasses import dataclass
from typing import ClassVar, Dict, Iterator, Tuple

from provisioning.agent.apps.releases import Releases
from provisioning.agent.apps.static_copies import (
    BROTLI,
    BROTLI_UP_TO_BYTES,
    PROGRAM,
    brotlied,
    is_compressible,
    is_free,
)
from provisioning.agent.apps.static_sources import static_sources_of
from provisioning.agent.errors import AgentError
from provisioning.agent.layout import AppLayout
from provisioning.agent.machine import files as fs
from provisioning.agent.machine.system import System
from provisioning.agent.resource import Change, Resource, State

BEST_WITHIN_S = 60.0
"""For so long in a run files are compressed as well as possible, and those after it fast."""


@dataclass(frozen=True)
class StaticCopies(Resource):
    """Have copies of the live release's static files that are compressed with brotli.

    They are made after the switch, so that it does not wait for them: until then browsers get the
    gzip copies. `StaticFiles` removes the copy of a file before it replaces the file. On a host
    without the program there are none.

    Args:
        app: The app's name.
    """

    kind: ClassVar[str] = "static-copies"

    app: str

    @property
    def name(self) -> str:
        return self.app

    def desired(self) -> State:
        return {"to compress": 0}

    def actual(self, system: System) -> State:
        return {"to compress": sum(1 for _ in self._lacking(system))}

    def apply(self, system: System, change: Change) -> None:
        if system.dry:
            return
        refused = self._refused(system)
        best_until = time.monotonic() + BEST_WITHIN_S
        for path, state in list(self._lacking(system)):
            try:
                copy = brotlied(system.read(path), system, fast=time.monotonic() > best_until)
            except AgentError as error:
                system.notes.append(f"{path} has no brotli copy: {error.message}")
                copy = b""
            if copy:
                system.write(path + BROTLI, copy)
            else:
                refused[path] = state
        there = {path: state for path, state in refused.items() if _state(path) == state}
        system.memory.remember(self._key, json.dumps(there, sort_keys=True))

    @property
    def _key(self) -> str:
        return f"{self.kind}:{self.app}"

    def _refused(self, system: System) -> Dict[str, str]:
        """Return the files that have no copy because it would be larger, or could not be made."""
        try:
            known: Dict[str, str] = json.loads(system.memory.recall(self._key))
        except ValueError:
            return {}
        return known

    def _lacking(self, system: System) -> Iterator[Tuple[str, str]]:
        """Yield the files without a copy, and what tells each from an earlier one of its name."""
        if system.stat(PROGRAM) is None:
            return
        releases = Releases(self.app, system)
        if not releases.live:
            return
        root, refused = AppLayout(self.app).static, self._refused(system)
        files = static_sources_of(releases, releases.live)
        folders = {os.path.dirname(path) for path in files}
        for path in files:
            copy = path + BROTLI
            published = os.path.join(root, path)
            state = _state(published)
            if not state or refused.get(published) == state or not is_free(copy, files, folders):
                continue
            if system.stat(os.path.join(root, copy)) is None:
                yield published, state


def _state(path: str) -> str:
    """Return size and time of a file that is worth compressing; "" of any other."""
    try:
        found = fs.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return ""
    is_wanted = (
        stat.S_ISREG(found.st_mode)
        and is_compressible(path, found.st_size)
        and found.st_size <= BROTLI_UP_TO_BYTES
    )
    return f"{found.st_size} {found.st_mtime_ns}" if is_wanted else ""
