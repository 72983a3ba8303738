"""How many worker processes an app has, whatever its server."""

from __future__ import annotations

from provisioning.agent.facts import Facts
from provisioning.inventory.models.app import App

MOST_WORKERS = 12
"""Source: gunicorn's documentation, "How Many Workers?": 4 to 12 serve thousands a second."""

WORKER_MB = 120
"""Memory of one worker of a middling app, in MiB."""


def workers(app: App, facts: Facts) -> int:
    """Return the number of worker processes.

    Two for each core and one besides, as far as memory goes: while a release is deployed,
    it and the one before it run side by side. Never one alone, which nobody stands in for
    while it is renewed.

    Args:
        app: The app.
        facts: Of the host that the release is for.
    """
    if app.workers:
        return app.workers
    most = facts.memory_mb // (2 * WORKER_MB) if facts.memory_mb else MOST_WORKERS
    return max(2, min(2 * facts.cores + 1, most, MOST_WORKERS))
