"""Uvicorn: a program and its workers for each release, on a socket that systemd makes."""

from __future__ import annotations

from collections.abc import Mapping

from provisioning.agent.facts import Facts
from provisioning.agent.layout import AppLayout
from provisioning.inventory.models.app import App
from provisioning.inventory.models.app_servers.uvicorn import UvicornSettings
from provisioning.render import render
from provisioning.roles.app_servers.workers import workers
from provisioning.roles.locks import read_lock

OLDEST: Mapping[str, str] = {}
"""See `AppServer`."""


def files(app: App, facts: Facts, release_id: str) -> dict[str, str]:
    """Return the program that serves with uvicorn. See `AppServer.files`."""
    module, _, target = app.entry_point.partition(":")
    settings = app.server_settings(UvicornSettings)
    jitter = settings.limit_max_requests_jitter
    text = render(
        "uvicorn/server.py.j2",
        app=app,
        code=AppLayout(app.name).code(release_id),
        release_id=release_id,
        module=module,
        target=f".{target}",
        workers=workers(app, facts),
        jitter=app.max_requests // 10 if jitter is None else jitter,
        settings=settings,
    )
    return {"server.py": text}


def requirements(app: App) -> dict[str, str]:
    """Return what it needs: distribution -> requirement with hashes."""
    return read_lock("uvicorn")
