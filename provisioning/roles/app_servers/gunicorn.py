"""Gunicorn: one instance for each release, on a socket that systemd makes."""

from __future__ import annotations

from collections.abc import Mapping

from provisioning.agent.facts import Facts
from provisioning.agent.layout import AppLayout
from provisioning.inventory.models.app import App
from provisioning.inventory.models.app_servers.gunicorn import ASGI_WORKER, GunicornSettings
from provisioning.render import render
from provisioning.roles.app_servers.workers import workers
from provisioning.roles.locks import read_lock

OLDEST: Mapping[str, str] = {"gunicorn": "21"}
"""Earlier ones call os.setuid, which the sandbox forbids, and need pkg_resources."""


def files(app: App, facts: Facts, release_id: str) -> dict[str, str]:
    """Return gunicorn's settings: all that a release decides for itself.

    Args:
        app: The app.
        facts: Of the host that the release is for.
        release_id: The release's id.
    """
    layout = AppLayout(app.name)
    settings = app.server_settings(GunicornSettings)
    text = render(
        "gunicorn/server.py.j2",
        app=app,
        code=layout.code(release_id),
        socket=layout.socket(release_id),
        release_id=release_id,
        workers=workers(app, facts),
        settings=settings,
        kind=settings.kind_of_worker(app.interface),
    )
    return {"server.py": text}


def requirements(app: App) -> dict[str, str]:
    """Return what it needs: distribution -> requirement with hashes.

    An app whose own requirements bring some of it keeps theirs. Before 27, POST requests could
    fail while a worker was replaced.
    """
    # Some workers need more than gunicorn itself.
    kind = app.server_settings(GunicornSettings).kind_of_worker(app.interface)
    locks = {"gevent": "gunicorn-gevent", ASGI_WORKER: "gunicorn-uvicorn"}
    return read_lock(locks.get(kind, "gunicorn"))
