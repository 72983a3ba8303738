"""App servers: an app to a unit, an upstream, and the configuration of each release."""

from __future__ import annotations

from typing import Protocol

from provisioning.agent.facts import Facts
from provisioning.inventory.models.app import App
from provisioning.roles.site import Upstream


class AppServer(Protocol):
    """What a row of APP_SERVERS is: a module with these functions."""

    def upstream(self, app: App) -> Upstream:
        """Return where the app answers."""

    def units(self, app: App, facts: Facts, release_id: str) -> dict[str, str]:
        """Return the unit files of a release's web server: its socket and its service."""

    def files(self, app: App, facts: Facts, release_id: str) -> dict[str, str]:
        """Return the server's own settings: path below the release -> text."""

    def requirements(self, app: App) -> dict[str, str]:
        """Return what installs it where the app's own do not: distribution -> requirement."""
