"""A release's processes and timers within the plans of a deploy."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING

from provisioning.resources import ProcessCheck, TimerSchedules

if TYPE_CHECKING:
    from provisioning.inventory.models.app import App

DEFAULT_SETTLE_S = 3
"""Of an earlier release's processes, where the inventory has none any more."""


def calendars(app: App) -> Iterator[TimerSchedules]:
    """Yield that the host understands when timers are to run; asked before anything is done."""
    if app.timers:
        yield TimerSchedules(app.name, {name: timer.at for name, timer in app.timers.items()})


def trial(app: App, release: str, *, known: bool = False) -> ProcessCheck:
    """Return the processes of a release as they run before it goes live.

    Args:
        app: The app.
        release: The release's id.
        known: It is made of this inventory. An earlier release runs what it was made with,
            whatever the inventory says now.
    """
    programs = {f"process {name}": each.run for name, each in app.processes.items()}
    programs.update({f"timer {name}": each.run for name, each in app.timers.items()})
    return ProcessCheck(
        app.name,
        release,
        {who: shlex.split(run)[0] for who, run in programs.items()} if known else {},
        settle_s=max((each.settle_s for each in app.processes.values()), default=DEFAULT_SETTLE_S),
        drain_timeout_s=app.drain_timeout_s,
    )
