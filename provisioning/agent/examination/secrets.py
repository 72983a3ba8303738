"""An app's secrets: what may be said of them, and where else they stand."""

from __future__ import annotations

import hashlib
import os
from typing import Dict, List, Mapping, Optional

from provisioning.agent.answers import FileAccess, SecretTraits
from provisioning.agent.apps.environment import of_release
from provisioning.agent.apps.releases import Releases
from provisioning.agent.layout import AppLayout
from provisioning.agent.machine import files
from provisioning.agent.machine.system import System
from provisioning.agent.secret_names import POSSIBLE

SHORTEST_CHARS = 8
"""A shorter value would be found in any code."""

MOST_FILES, MOST_BYTES, FILE_BYTES = 20_000, 128 << 20, 1 << 20
"""How much of a release's code is searched, and how much of one file."""

SHOWN_FILES = 5


def secrets_of(system: System, app: str, release: str, salt: str) -> Dict[str, SecretTraits]:
    """Return variable -> traits of the secrets in a release's environment."""
    values = _values(system, app, release)
    places = _places(AppLayout(app).code(release), values)
    return {
        name: SecretTraits(
            chars=len(value),
            distinct=len(set(value)),
            digest=hashlib.sha256(f"{salt}{value}".encode()).hexdigest(),
            in_code=tuple(places[name][:SHOWN_FILES]),
        )
        for name, value in values.items()
    }


def _values(system: System, app: str, release: str) -> Dict[str, str]:
    declared = set(Releases(app, system).manifest(release).get("secrets") or ())
    return {
        name: value
        for name, value in of_release(system, app, release).items()
        if name in declared or POSSIBLE.search(name)
    }


def _places(code: str, values: Mapping[str, str]) -> Dict[str, List[str]]:
    """Return variable -> files of the code that contain its value."""
    sought = {name: value.encode() for name, value in values.items()
              if len(value) >= SHORTEST_CHARS}  # fmt: skip
    found: Dict[str, List[str]] = {name: [] for name in values}
    left = MOST_BYTES
    for path in files.regular_files(code)[:MOST_FILES] if sought else ():
        try:
            with open(files.open_file(os.path.join(code, path)), "rb") as file:
                data = file.read(min(FILE_BYTES, left))
        except OSError:
            continue
        left -= len(data)
        for name, value in sought.items():
            if value in data:
                found[name].append(path)
        if left <= 0:
            break
    return found


def access_of(system: System, app: str) -> Dict[str, FileAccess]:
    """Return path -> whose it is, of what holds an app's secrets and history."""
    layout = AppLayout(app)
    revisions = [os.path.join(layout.env, name) for name in system.list(layout.env)]
    found = {path: access(system, path) for path in (layout.secrets, layout.history, *revisions)}
    return {path: each for path, each in found.items() if each is not None}


def access(system: System, path: str) -> Optional[FileAccess]:
    """Return whose a file or a directory is; None where there is none."""
    found = system.stat(path)
    return FileAccess(found.owner, found.group, found.mode) if found else None
