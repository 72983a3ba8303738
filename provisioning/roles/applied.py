"""Which settings of the inventory `fab provision` applies, as digests that a host remembers."""

from __future__ import annotations

import hashlib
from collections.abc import Container, Mapping
from contextlib import suppress

from provisioning.inventory.inventory import Inventory
from provisioning.inventory.models.app import App
from provisioning.inventory.models.base import Model

DEPLOYED = frozenset(
    {"name", "settings", "source", "include", "hosts", "wsgi", "requirements", "extras",
     "dependency_groups", "workspace_member", "install_project", "packages", "build_hosts",
     "build_secrets", "python", "dockerfile", "base_images", "server", "workers", "threads",
     "max_requests", "memory_max", "network", "relax", "env", "env_file", "secrets", "shared",
     "build", "migrate", "migrate_state", "migrate_compatible", "debug", "processes", "timers",
     "keep_releases", "start_timeout_s", "drain_timeout_s", "batch", "pause_s", "hooks", "setup",
     "migrate_first", "shared_files", "log_files", "log_files_max", "log_files_kept",
     "python_downloads", "python_mirror", "health_status", "health_timeout_s"}
)  # fmt: skip
"""Keys of an app that a deploy applies by itself; every other one waits for a provision."""

_FILES = ("snippet", "client_ca")
"""Keys that name a file: what stands in it counts as well."""

DIGEST_CHARS = 16


def settings_to_apply(inventory: Inventory, app: App) -> dict[str, str]:
    """Return what a provision applies of an app: name of a setting -> digest of its value.

    Settings with their default are left out, so that a key which a later Homeport brings makes no
    difference.
    """
    found = _digests(app, DEPLOYED)
    for name in _FILES:
        if path := getattr(app, name):
            # A file that cannot be read is refused where it is needed.
            with suppress(OSError):
                content = inventory.local_path(path).read_bytes()
                found[name] = _digest(f"{path} {hashlib.sha256(content).hexdigest()}")
    found["tls"] = _digest(_digests(inventory.tls))
    return found


def waiting(wanted: Mapping[str, str], applied: Mapping[str, str]) -> str:
    """Return in words which settings wait for `fab provision`, "" for none.

    Args:
        wanted: What a provision would apply: see `settings_to_apply`.
        applied: What the host was provisioned with; {} where nobody knows.
    """
    if not applied:
        return ""
    names = sorted(name for name in {*wanted, *applied} if wanted.get(name) != applied.get(name))
    if not names:
        return ""
    count = "1 change waits" if len(names) == 1 else f"{len(names)} changes wait"
    return f"{count} for fab provision: {', '.join(names)}"


def _digests(model: Model, left_out: Container[str] = ()) -> dict[str, str]:
    """Return name -> digest of each value that is not its default."""
    return {
        name: _digest(value)
        for name, field in type(model).model_fields.items()
        if name not in left_out
        and (value := getattr(model, name)) != field.get_default(call_default_factory=True)
    }


def _digest(value: object) -> str:
    ordered = sorted(value.items()) if isinstance(value, Mapping) else value
    return hashlib.sha256(repr(ordered).encode()).hexdigest()[:DIGEST_CHARS]
