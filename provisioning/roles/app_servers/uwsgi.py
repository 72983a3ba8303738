"""uWSGI: a master and workers with threads for each release, on a socket that systemd makes."""

from __future__ import annotations

from collections.abc import Mapping

from provisioning.agent.facts import Facts
from provisioning.agent.layout import AppLayout
from provisioning.inventory.models.app import App
from provisioning.inventory.models.app_servers.uwsgi import UwsgiSettings
from provisioning.render import render
from provisioning.roles.app_servers.workers import workers
from provisioning.roles.locks import read_lock

OLDEST: Mapping[str, str] = {}
"""See `AppServer`."""


def files(app: App, facts: Facts, release_id: str) -> dict[str, str]:
    """Return uWSGI's settings, and the module that it imports. See `AppServer.files`."""
    layout = AppLayout(app.name)
    module, _, target = app.entry_point.partition(":")
    return {
        "server.ini": render(
            "uwsgi/server.ini.j2",
            app=app,
            code=layout.code(release_id),
            served=f"{layout.release(release_id)}/server.py",
            release_id=release_id,
            workers=workers(app, facts),
            settings=app.server_settings(UwsgiSettings),
        ),
        "server.py": render(
            "uwsgi/server.py.j2", app=app, release_id=release_id, module=module, target=f".{target}"
        ),
    }


def requirements(app: App) -> dict[str, str]:
    """Return what it needs: distribution -> requirement with hashes.

    PyPI has uWSGI twice: `pyuwsgi` has wheels, `uwsgi` has to be compiled. An app whose own
    requirements name the other one keeps that.
    """
    return {"pyuwsgi|uwsgi": read_lock("uwsgi")["pyuwsgi"]}
