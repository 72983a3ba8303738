"""How the programs of a new release start, as its units say."""

from __future__ import annotations

from provisioning.agent.apps.runtimes import kind_named
from provisioning.agent.apps.runtimes.surroundings import Surroundings
from provisioning.agent.layout import AppLayout
from provisioning.inventory.models.app import App


def surroundings(app: App, release_id: str) -> Surroundings:
    """Return how they start; what only the host knows is filled in there.

    Args:
        app: The app.
        release_id: The release's id.
    """
    return kind_named(app.runtime).surroundings(AppLayout(app.name), release_id, app.all_shared)
