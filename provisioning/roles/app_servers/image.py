"""The program of an image: it brings its own server and settings, and takes the socket."""

from __future__ import annotations

from provisioning.agent.facts import Facts
from provisioning.inventory.models.app import App


def files(app: App, facts: Facts, release_id: str) -> dict[str, str]:
    """Return nothing: its settings are in the image. See `AppServer.files`."""
    return {}


def requirements(app: App) -> dict[str, str]:
    """Return nothing: it is in the image."""
    return {}
