"""How the processes and timers of an app's live release are doing, right now."""

from __future__ import annotations

from typing import Dict, Mapping, NamedTuple, Tuple

from provisioning.agent.answers import ProcessStatus, TimerStatus
from provisioning.agent.apps.release_services import (
    RUNNING,
    ReleaseServices,
    is_process,
    process_of,
)
from provisioning.agent.apps.releases import Releases
from provisioning.agent.layout import AppLayout
from provisioning.agent.machine.system import System


class UnitsStatus(NamedTuple):
    """How processes and timers are doing; `pending` are sentences."""

    processes: Mapping[str, ProcessStatus]
    timers: Mapping[str, TimerStatus]
    pending: Tuple[str, ...]


def units_status(app: str, system: System) -> UnitsStatus:
    """Return how the processes and timers of an app are doing."""
    units, releases = ReleaseServices(app, system), Releases(app, system)
    names = list(units.files(releases.live))
    shown = units.show(names)
    processes: Dict[str, ProcessStatus] = {}
    for name in filter(is_process, names):
        values = shown.get(name, {})
        before = processes.get(process_of(name), ProcessStatus())
        processes[process_of(name)] = ProcessStatus(
            running=before.running + (values.get("SubState") == "running"),
            wanted=before.wanted + 1,
            restarts=before.restarts + int(values.get("NRestarts", 0)),
        )
    layout = AppLayout(app)
    timers = {}
    for timer in (name for name in names if name.endswith(".timer")):
        name = timer[len(f"{app}.") : -len(".timer")]
        service = shown.get(layout.timer_unit(name, "service"), {})
        values = shown.get(timer, {})
        # Its run may have ended a moment ago, and the timer not know of it yet.
        runs = service.get("ActiveState") in RUNNING or values.get("SubState") == "running"
        failed = service.get("ActiveState") == "failed"
        timers[name] = TimerStatus(values.get("NextElapseUSecRealtime", ""), runs, failed)
    pending = [f"{name} differs from what the live release defines" for name in units.wrong()]
    pending += [f"{name} is left over" for name in units.leftovers()]
    return UnitsStatus(processes, timers, tuple(pending))
