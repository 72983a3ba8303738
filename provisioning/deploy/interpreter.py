"""The interpreter of an app: one that is on the host, or one that uv downloads there."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from provisioning.agent.layout import PYTHONS, UV
from provisioning.deploy.environment import Environment, pack
from provisioning.deploy.requirements.python_version import is_debians
from provisioning.errors import ConfigurationError
from provisioning.resources import ManagedPython
from provisioning.roles.locks import lock_text

if TYPE_CHECKING:
    from provisioning.agent.facts import Facts
    from provisioning.inventory import Inventory
    from provisioning.inventory.models.app import App

MIRROR = "UV_PYTHON_INSTALL_MIRROR"
"""uv's own variable, which may contain a password. Source: uv's "Environment variables"."""

_UV = re.compile(r"^uv==([0-9.]+)", re.MULTILINE)
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Interpreter:
    """What a virtualenv is made with.

    Args:
        path: Of the program, absolute, on the host.
        made: What brings it there; None where it is on the host already.
    """

    path: str
    made: ManagedPython | None = None


def interpreter(
    app: App, facts: Facts, downloads: str = "", build_secrets: Environment | None = None
) -> Interpreter:
    """Return the interpreter of an app on a host.

    Args:
        app: The app.
        facts: Of the host.
        downloads: See `read_downloads`.
        build_secrets: Variables that only its builds have.
    """
    if not app.python_version:
        return Interpreter(app.python if app.python.startswith("/") else f"/usr/bin/{app.python}")
    name = "python" + ".".join(app.python_version.split(".")[:2])
    if is_debians(app, facts):
        return Interpreter(f"/usr/bin/{name}")
    secret = {name: value for name, value in (build_secrets or {}).items() if name == MIRROR}
    made = ManagedPython(
        path=f"{PYTHONS}/{_folder(app.python_version, downloads)}",
        version=app.python_version,
        mirror=app.python_mirror or "",
        downloads=downloads,
        secrets=pack(secret),
        uv=f"{UV}/bin/uv",
    )
    return Interpreter(f"{made.path}/{name}", made)


def _folder(version: str, downloads: str) -> str:
    """Return the name of a Python's folder: another one where another list decides what it is."""
    found = _UV.search(lock_text("uv"))
    assert found
    listed = hashlib.sha256(downloads.encode()).hexdigest()[:12] if downloads else f"uv-{found[1]}"
    return f"{version}-{listed}"


def read_downloads(inventory: Inventory, app: App) -> str:
    """Return the entries of an app's `python_downloads` for its version, as JSON; "" without it.

    Raises:
        ConfigurationError: the file cannot be read, does not have uv's form, has no such version,
            or names an archive without its SHA-256.
    """
    if not app.python_downloads:
        return ""
    path, key = inventory.local_path(app.python_downloads), f"apps.{app.name}.python_downloads"
    try:
        listed = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not JSON"
        raise ConfigurationError(f"cannot read {key}: {path}: {reason}") from None
    if not isinstance(listed, dict):
        raise ConfigurationError(f"cannot use {key}: {path}: it is not an object of JSON")
    chosen = {name: each for name, each in listed.items() if _is_version(each, app.python_version)}
    if not chosen:
        raise ConfigurationError(
            f"cannot use {key}: {path} lists no CPython {app.python_version}",
            hint="add it, or name a version that the file lists as the app's `python`",
        )
    for name, each in chosen.items():
        if not _SHA256.fullmatch(str(each.get("sha256"))):
            raise ConfigurationError(
                f"cannot use {key}: {path}: {name} has no sha256",
                hint="add the SHA-256 of the archive (sha256sum): nothing is installed unseen",
            )
        if not str(each.get("url")).startswith(("https://", "http://")):
            raise ConfigurationError(
                f"cannot use {key}: {path}: the url of {name} is not one that a host can reach",
                hint="use a URL that begins with https:// or http://",
            )
    return json.dumps(chosen, sort_keys=True)


def _is_version(each: Any, version: str) -> bool:
    """Return whether an entry is of a version. Source: uv's download-metadata.json."""
    if not isinstance(each, Mapping) or each.get("name") != "cpython":
        return False
    numbers = ".".join(str(each.get(part)) for part in ("major", "minor", "patch"))
    return f"{numbers}.".startswith(f"{version}.")
