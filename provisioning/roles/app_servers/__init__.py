"""App servers: the settings of each release, and what installs the server.

Its units and where it answers are the same for all (units.py). One file each, by the name that
stands in the inventory (models/app_servers/); it is imported when an app uses it.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Protocol, cast

from provisioning.agent.facts import Facts
from provisioning.inventory.models.app import App


class AppServer(Protocol):
    """The interface of the modules in this folder.

    Attributes:
        OLDEST: Distribution -> the oldest version of it that runs with Homeport's settings.
    """

    OLDEST: Mapping[str, str]

    def files(self, app: App, facts: Facts, release_id: str) -> dict[str, str]:
        """Return the server's own settings: path below the release -> text."""

    def requirements(self, app: App) -> dict[str, str]:
        """Return what installs it where the app's own do not: distribution -> requirement.

        Of several distributions any one will do: "mine|other" names both.
        """


def app_server(name: str) -> AppServer:
    """Return an app server.

    Args:
        name: One that the inventory may name.
    """
    return cast(AppServer, importlib.import_module(f"{__name__}.{name}"))
