"""What a host says of an app, of which a test names only what matters to it."""

from __future__ import annotations

from typing import Any

from provisioning.agent.answers import AppState, AppStatus

NOTHING = AppState(
    live="",
    previous="",
    stopped="",
    provisioned=True,
    releases=(),
    lost={},
    lacks={},
    history=(),
    applied={},
    secrets={},
)

IDLE = AppStatus(
    live="",
    stopped="",
    since=0.0,
    by="",
    health="",
    site="",
    running=(),
    at_boot=False,
    restarts=0,
    memory_bytes=0,
    certificate_days=None,
    disk_free_percent=0,
    maintenance=False,
    processes={},
    timers={},
    runs=(),
    pending=(),
    applied={},
)


def app_state(**values: Any) -> AppState:
    """Return what is there of an app that was never deployed, but for some values."""
    return NOTHING._replace(**values)


def app_status(**values: Any) -> AppStatus:
    """Return how an app is doing that was never deployed, but for some values."""
    return IDLE._replace(**values)
