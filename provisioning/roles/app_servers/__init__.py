"""App servers: an app to units, an upstream, and the settings of each release.

One file each, by the name that stands in the inventory (models/app_servers/); it is imported when
an app uses it.
"""

from __future__ import annotations

import importlib
from typing import Protocol, cast

from provisioning.agent.facts import Facts
from provisioning.inventory.models.app import App
from provisioning.roles.site import Upstream


class AppServer(Protocol):
    """What a file here is: a module with these functions."""

    def upstream(self, app: App) -> Upstream:
        """Return where the app answers."""

    def units(self, app: App, facts: Facts, release_id: str) -> dict[str, str]:
        """Return the unit files of a release's web server: its socket and its service."""

    def files(self, app: App, facts: Facts, release_id: str) -> dict[str, str]:
        """Return the server's own settings: path below the release -> text."""

    def requirements(self, app: App) -> dict[str, str]:
        """Return what installs it where the app's own do not: distribution -> requirement."""


def app_server(name: str) -> AppServer:
    """Return an app server.

    Args:
        name: One that the inventory may name.
    """
    return cast(AppServer, importlib.import_module(f"{__name__}.{name}"))
