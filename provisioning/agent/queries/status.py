"""How apps are doing on this host, right now."""

from __future__ import annotations

import os
import re
import shutil
import time
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from provisioning.agent.answers import LIVE, AppStatus, plain
from provisioning.agent.apps.leftovers import Leftovers
from provisioning.agent.apps.one_off_units import one_offs
from provisioning.agent.apps.releases import Releases
from provisioning.agent.apps.runtimes import built_for_lost
from provisioning.agent.apps.units_status import units_status
from provisioning.agent.layout import AppLayout
from provisioning.agent.machine import http, systemctl
from provisioning.agent.machine.system import System
from provisioning.agent.machine.tls import served_certificate
from provisioning.agent.resources.applied_settings import applied_settings
from provisioning.agent.runs.journal import cut_off, describe_cut_off, last_runs
from provisioning.agent.runs.relay import current_run

UNIT_PROPERTIES = "ActiveState,UnitFileState,NRestarts,MemoryCurrent"
HEALTH_TIMEOUT_S = 5.0
SHOWN_RUNS = 5


def answer(message: Mapping[str, Any], system: System) -> Dict[str, Any]:
    """Return how apps are doing: name -> see `_app_status`.

    Args:
        message: "apps": for each what `_app_status` needs.
        system: The machine.
    """
    return {each["app"]: plain(_app_status(each, system)) for each in message["apps"]}


def _app_status(message: Mapping[str, Any], system: System) -> AppStatus:
    """Return how an app is doing.

    Args:
        message: "app"; "health" (path), "host" (the site's name) and "tls" say how it is asked;
            "certificates" are paths at which its certificate may be: the first that is there; with
            none, and "tls", it is the one that the web server shows.
        system: The machine.
    """
    app = message["app"]
    layout, releases = AppLayout(app), Releases(app, system)
    live = releases.live
    units = _units(system, app)
    boot = units.pop(layout.boot_unit, {})
    mine = units.get(layout.unit(live), {})
    since, by = _live_since(releases, live)
    beside = units_status(app, system)
    return AppStatus(
        live=live,
        stopped=releases.stopped,
        since=since,
        by=by,
        health=_health(message, releases.socket(live)) if live else "",
        site=_site(message),
        running=tuple(sorted(unit for unit, each in units.items() if each["active"] == "active")),
        at_boot=boot.get("enabled") == "enabled",
        restarts=int(mine.get("restarts", 0)),
        memory_bytes=int(mine.get("memory", 0)),
        certificate_days=_certificate_days(system, message),
        disk_free_percent=_disk_free_percent(layout.root),
        maintenance=system.stat(layout.maintenance) is not None,
        processes=beside.processes,
        timers=beside.timers,
        runs=tuple(last_runs(SHOWN_RUNS)),
        pending=(*_pending(units, live, layout, system), *beside.pending, *_at_work()),
        applied=applied_settings(system.memory, app),
    )


def _units(system: System, app: str) -> Dict[str, Dict[str, str]]:
    """Return the app's units, its instances and the one that starts the live one at boot.

    Returns:
        Unit -> active, enabled, restarts, memory.
    """
    shown = systemctl.show(system, UNIT_PROPERTIES, f"{app}@*.service", AppLayout(app).boot_unit)
    found = {}
    for unit, values in shown.items():
        memory = values.get("MemoryCurrent", "0")
        found[unit] = {
            "active": values.get("ActiveState", ""),
            "enabled": values.get("UnitFileState", ""),
            "restarts": values.get("NRestarts", "0"),
            # "[not set]" where nothing runs, or nothing is counted.
            "memory": memory if memory.isdigit() else "0",
        }
    return found


def _live_since(releases: Releases, live: str) -> Tuple[float, str]:
    """Return since when a release is live (seconds since the epoch, 0 if unknown), and by whom."""
    for line in reversed(releases.history()):
        if live and line.event == LIVE and line.release == live:
            return line.at, line.by
    return 0.0, ""


def _health(message: Mapping[str, Any], socket: str) -> str:
    return _said(http.ask_release(socket, message["health"], message["host"], HEALTH_TIMEOUT_S))


def _site(message: Mapping[str, Any]) -> str:
    tls = bool(message["tls"])
    headers = {"Host": message["host"], "User-Agent": "homeport"}
    return _said(
        http.get_address("127.0.0.1", 443 if tls else 80, message["health"], headers, tls=tls)
    )


def _said(answer: http.Answer) -> str:
    return str(answer.status) if answer.status else "no answer"


def _certificate_days(system: System, message: Mapping[str, Any]) -> Any:
    """Return the days until an app's certificate ends; None where there is none."""
    paths: Sequence[str] = message["certificates"]
    if not paths:
        shown = served_certificate(message["host"]) if message["tls"] else None
        return _days_left(system, ["-inform", "DER"], shown) if shown else None
    path = next((each for each in paths if system.stat(each) is not None), "")
    return _days_left(system, ["-in", path]) if path else None


def _days_left(system: System, which: Sequence[str], given: Optional[bytes] = None) -> Any:
    shown = system.run(["openssl", "x509", *which, "-noout", "-enddate"], input=given).stdout
    found = re.search(r"notAfter=(.+)", shown)
    if not found:
        return None
    end = time.mktime(time.strptime(found[1].strip(), "%b %d %H:%M:%S %Y %Z")) - time.timezone
    return int((end - time.time()) // 86400)


def _disk_free_percent(path: str) -> int:
    while not os.path.exists(path):
        path = os.path.dirname(path)
    usage = shutil.disk_usage(path)
    return round(100 * usage.free / usage.total)


def _pending(
    units: Mapping[str, Mapping[str, str]],
    live: str,
    layout: AppLayout,
    system: System,
) -> List[str]:
    """Return what was cut off, and what the next command will put in order."""
    found = []
    for unit, each in sorted(units.items()):
        if unit != layout.unit(live) and each["active"] not in ("inactive", ""):
            found.append(f"{unit} is {each['active']}")
    if live and units.get(layout.unit(live), {}).get("active") != "active":
        found.append("the live release is not running")
    lost = Releases(layout.app, system).lost(live) if live else ""
    if lost:
        found.append(f"the live release was {built_for_lost(lost)}: fab deploy builds a new one")
    left = Leftovers(layout.app, system)
    found += [f"{os.path.relpath(path, layout.root)} is half built" for path in left.half_built()]
    found += [f"{path} is left over" for path in left.temporary()]
    if current_run() is None:
        found += [
            f"{unit} of an earlier run is still running" for unit in one_offs(layout.app, system)
        ]
    return found


def _at_work() -> List[str]:
    """Return which run is at work on the host, or was cut off."""
    now, last = current_run(), cut_off()
    if now is not None:
        return [f"{now.what} by {now.who} is running"]
    return [describe_cut_off(last)] if last is not None else []
