"""Waitress: one process with threads for each release, on a socket that systemd makes."""

from __future__ import annotations

from collections.abc import Mapping

from provisioning.agent.facts import Facts
from provisioning.agent.layout import AppLayout
from provisioning.inventory.models.app import App
from provisioning.inventory.models.app_servers.waitress import WaitressSettings
from provisioning.render import render
from provisioning.roles.locks import read_lock

OLDEST: Mapping[str, str] = {}
"""See `AppServer`."""


def files(app: App, facts: Facts, release_id: str) -> dict[str, str]:
    """Return the program that serves with Waitress. See `AppServer.files`."""
    module, _, target = app.entry_point.partition(":")
    text = render(
        "waitress/server.py.j2",
        app=app,
        code=AppLayout(app.name).code(release_id),
        release_id=release_id,
        module=module,
        target=f".{target}",
        settings=app.server_settings(WaitressSettings),
    )
    return {"server.py": text}


def requirements(app: App) -> dict[str, str]:
    """Return what it needs: distribution -> requirement with hashes."""
    return read_lock("waitress")
