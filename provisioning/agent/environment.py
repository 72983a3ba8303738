"""An app's environment: what its programs find in os.environ.

Revisions are immutable files, named by the digest of what they say. A release points at
the one it runs with, so that a rollback gets back the environment too.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from typing import Dict, Mapping

from provisioning.agent.layout import AppLayout
from provisioning.agent.releases import MANIFEST
from provisioning.agent.system import System


def quoted(value: str) -> str:
    r"""Return a value as systemd's EnvironmentFile= reads it.

    Source: systemd.exec(5): within double quotes, the characters \ " ` $ are escaped by a
    backslash, and a newline stands for itself.
    """
    for character in '\\"`$':
        value = value.replace(character, "\\" + character)
    return f'"{value}"'


def generated_secrets(system: System, app: str) -> Dict[str, str]:
    """Return the secrets that were made for an app, as this host keeps them."""
    text = system.read(AppLayout(app).secrets)
    secrets: Dict[str, str] = json.loads(text) if text else {}
    return secrets


def keep_generated(system: System, app: str, proposed: Mapping[str, str]) -> Dict[str, str]:
    """Keep the secrets that are new here; those that are there already are never replaced."""
    known = generated_secrets(system, app)
    merged = {**proposed, **known}
    if merged != known:
        data = json.dumps(merged, indent=1, sort_keys=True).encode()
        system.write(AppLayout(app).secrets, data, mode="0600")
    return merged


def write_revision(system: System, app: str, values: Mapping[str, str]) -> str:
    """Write a revision of an app's environment, readable by root and the app only.

    Returns:
        The file's path.
    """
    text = "".join(f"{name}={quoted(value)}\n" for name, value in sorted(values.items()))
    revision = hashlib.sha256(text.encode()).hexdigest()[:12]
    path = os.path.join(AppLayout(app).env, revision)
    if system.read(path) != text.encode():
        system.write(path, text.encode(), mode="0640", group=app)
    return path


def of_release(system: System, app: str, release: str) -> Dict[str, str]:
    """Return the environment that a release has; empty if it is not there."""
    text = system.read(f"{AppLayout(app).release(release)}/env").decode(errors="replace")
    return _parsed(text)


def masked(system: System, app: str, release: str, text: str) -> str:
    """Return what a program of a release printed, less the values of its secrets.

    The controller masks what it knows; what was generated long ago only the host knows.
    """
    layout = AppLayout(app)
    manifest = json.loads(system.read(f"{layout.release(release)}/{MANIFEST}") or b"{}")
    values = of_release(system, app, release)
    hidden = {values.get(name, "") for name in manifest.get("secrets", ())}
    hidden.update(generated_secrets(system, app).values())
    for value in sorted(hidden, key=len, reverse=True):
        if value:
            text = text.replace(value, "***")
    return text


def _parsed(text: str) -> Dict[str, str]:
    """Read back what `write_revision` wrote."""
    pairs = re.findall(r'^([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)"$', text, re.MULTILINE)
    return {name: re.sub(r"\\(.)", r"\1", value) for name, value in pairs}
