"""Gunicorn: one instance for each release, on a unix socket of its own."""

from __future__ import annotations

from provisioning.agent.facts import Facts
from provisioning.agent.layout import AppLayout
from provisioning.inventory.models.app import App
from provisioning.inventory.models.app_servers.gunicorn import GunicornSettings
from provisioning.render import render
from provisioning.roles.app_servers.units import web_units
from provisioning.roles.locks import read_lock
from provisioning.roles.site import Upstream

MOST_WORKERS = 12
"""Source: gunicorn's documentation, "How Many Workers?": 4 to 12 serve thousands a second."""

WORKER_MB = 120
"""Memory of one worker of a middling app, in MiB."""


def upstream(app: App) -> Upstream:
    """Return where the app answers: the link to the live release's socket."""
    return Upstream(socket=AppLayout(app.name).live_socket, timeout_s=app.timeout_s)


def units(app: App, facts: Facts, release_id: str) -> dict[str, str]:
    """Return the units of a release's web server: its socket, and gunicorn.

    Args:
        app: The app.
        facts: Of the host that the release is for.
        release_id: The release's id.
    """
    return web_units(app, facts, release_id)


def files(app: App, facts: Facts, release_id: str) -> dict[str, str]:
    """Return gunicorn's settings: all that a release decides for itself.

    Args:
        app: The app.
        facts: Of the host that the release is for.
        release_id: The release's id.
    """
    layout = AppLayout(app.name)
    text = render(
        "gunicorn/server.py.j2",
        app=app,
        code=layout.code(release_id),
        socket=layout.socket(release_id),
        release_id=release_id,
        workers=workers(app, facts),
        settings=app.server_settings(GunicornSettings),
    )
    return {"server.py": text}


def requirements(app: App) -> dict[str, str]:
    """Return what it needs: distribution -> requirement with hashes.

    An app whose own requirements bring some of it keeps theirs. Before 27, POST requests could
    fail while a worker was replaced.
    """
    # gevent's worker needs more than gunicorn itself.
    is_gevent = app.server_settings(GunicornSettings).worker_class == "gevent"
    return read_lock("gunicorn-gevent" if is_gevent else "gunicorn")


def workers(app: App, facts: Facts) -> int:
    """Return the number of worker processes.

    Two for each core and one besides, as far as memory goes: while a release is deployed,
    it and the one before it run side by side. Never one alone, which nobody stands in for
    while it is renewed.
    """
    if app.workers:
        return app.workers
    most = facts.memory_mb // (2 * WORKER_MB) if facts.memory_mb else MOST_WORKERS
    return max(2, min(2 * facts.cores + 1, most, MOST_WORKERS))
