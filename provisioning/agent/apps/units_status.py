"""How the processes and timers of an app's live release are doing, right now."""

from __future__ import annotations

from typing import Any, Dict

from provisioning.agent.apps.release_services import (
    RUNNING,
    ReleaseServices,
    is_process,
    process_of,
)
from provisioning.agent.apps.releases import Releases
from provisioning.agent.layout import AppLayout
from provisioning.agent.machine.system import System


def units_status(app: str, system: System) -> Dict[str, Any]:
    """Return how they are doing.

    Returns:
        "processes": name -> "running", "wanted" and "restarts"; "timers": name -> "next", as
        systemd writes it, "running", and "failed", whether its last run has; "pending":
        sentences.
    """
    units, releases = ReleaseServices(app, system), Releases(app, system)
    names = list(units.files(releases.live))
    shown = units.show(names)
    processes: Dict[str, Dict[str, int]] = {}
    for name in filter(is_process, names):
        values = shown.get(name, {})
        each = processes.setdefault(process_of(name), {"running": 0, "wanted": 0, "restarts": 0})
        each["wanted"] += 1
        each["running"] += values.get("SubState") == "running"
        each["restarts"] += int(values.get("NRestarts", 0))
    layout = AppLayout(app)
    timers = {}
    for timer in (name for name in names if name.endswith(".timer")):
        name = timer[len(f"{app}.") : -len(".timer")]
        service = shown.get(layout.timer_unit(name, "service"), {})
        values = shown.get(timer, {})
        # Its run may have ended a moment ago, and the timer not know of it yet.
        runs = service.get("ActiveState") in RUNNING or values.get("SubState") == "running"
        timers[name] = {
            "next": values.get("NextElapseUSecRealtime", ""),
            "running": runs,
            "failed": service.get("ActiveState") == "failed",
        }
    pending = [f"{name} is not as the live release has it" for name in units.wrong()]
    pending += [f"{name} is left over" for name in units.leftovers()]
    return {"processes": processes, "timers": timers, "pending": pending}
