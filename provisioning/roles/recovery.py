"""Repair what an interrupted run left: in a provision, and before a deploy, rollback or restart.

The first says so at its end, since what the live release needs to run may come before; the
others at their beginning. A reboot alone starts the live release and sweeps nothing: what is
half built is in nobody's way.
"""

from __future__ import annotations

from collections.abc import Iterator

from provisioning.inventory.models.app import App
from provisioning.resources import (
    KeptSecrets,
    LiveProcesses,
    NoLeftoverPrograms,
    OldReleasesStopped,
    RegisteredApp,
    Resource,
    StaticFiles,
    Superseded,
)
from provisioning.roles.app import home_directory


def put_in_order(app: App) -> Iterator[Resource]:
    """Yield resources that remove what an interrupted run left, and that run the live release."""
    yield NoLeftoverPrograms(app.name)
    yield OldReleasesStopped(app.name, drain_timeout_s=app.drain_timeout_s)
    yield StaticFiles(app.name, "", replace=True)
    yield LiveProcesses(
        app.name, health=app.at(app.health), host=app.domains[0], timeout_s=app.start_timeout_s
    )
    yield KeptSecrets(app.name)
    yield Superseded(app.name)


def put_in_order_before(app: App) -> Iterator[Resource]:
    """Yield the same before a new release, which may replace a live one that cannot run."""
    yield RegisteredApp(app.name)
    # An earlier Homeport made none, and what is started from here on has it.
    yield home_directory(app)
    yield NoLeftoverPrograms(app.name, label="before")
    yield OldReleasesStopped(app.name, drain_timeout_s=app.drain_timeout_s, label="before")
    yield LiveProcesses(app.name, label="before")
