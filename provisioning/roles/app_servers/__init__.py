"""App servers: an app to a unit, an upstream, and the configuration of each release."""

from __future__ import annotations

from typing import Protocol

from provisioning.agent.facts import Facts
from provisioning.inventory.app import App
from provisioning.resources import Unit
from provisioning.roles.site import Upstream


class AppServer(Protocol):
    """What a row of APP_SERVERS is: a module with these functions."""

    def upstream(self, app: App) -> Upstream:
        """Return where the app answers."""

    def unit(self, app: App, facts: Facts) -> Unit:
        """Return the unit of which every release is an instance."""

    def server_config(self, app: App, facts: Facts, release_id: str) -> str:
        """Return the text of a release's server.py."""

    def requirement(self, app: App) -> str:
        """Return the requirement that installs it, where the app's own do not."""
