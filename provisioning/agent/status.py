"""How an app is doing on this host, right now."""

from __future__ import annotations

import os
import re
import shutil
import time
from typing import Any, Dict, List, Mapping

from provisioning.agent import http
from provisioning.agent.layout import AppLayout
from provisioning.agent.releases import Releases
from provisioning.agent.system import System

UNIT_PROPERTIES = "Id,ActiveState,NRestarts,MemoryCurrent"
HEALTH_TIMEOUT_S = 5.0


def app_status(message: Mapping[str, Any], system: System) -> Dict[str, Any]:
    """Return how an app is doing.

    Args:
        message: "app"; "health" (path), "host" (the site's name) and "tls" say how it is asked;
            "certificate" is the path of its certificate, or "".
        system: The machine.
    """
    app = message["app"]
    layout, releases = AppLayout(app), Releases(app, system)
    live = releases.live
    units = _units(system, app)
    mine = units.get(layout.unit(live), {})
    return {
        "live": live,
        "since": _live_since(releases, live),
        "by": next(
            (str(line.get("by", "")) for line in reversed(releases.history())
             if line.get("event") == "live" and line.get("release") == live), ""),
        "health": _health(message, layout.socket(live)) if live else "",
        "site": _site(message),
        "running": sorted(unit for unit, each in units.items() if each["active"] == "active"),
        "restarts": int(mine.get("restarts", 0)),
        "memory_bytes": int(mine.get("memory", 0)),
        "certificate_days": _days_left(system, message.get("certificate", "")),
        "disk_free_percent": _disk_free_percent(layout.root),
        "maintenance": system.stat(layout.maintenance) is not None,
        "pending": _pending(units, live, layout, releases),
    }  # fmt: skip


def _units(system: System, app: str) -> Dict[str, Dict[str, str]]:
    """Return the app's instances: unit -> active, restarts, memory."""
    shown = system.run(
        ["systemctl", "show", f"--property={UNIT_PROPERTIES}", f"{app}@*.service"]
    ).stdout
    found = {}
    for paragraph in shown.split("\n\n"):
        values = dict(line.split("=", 1) for line in paragraph.splitlines() if "=" in line)
        if values.get("Id"):
            memory = values.get("MemoryCurrent", "0")
            found[values["Id"]] = {
                "active": values.get("ActiveState", ""),
                "restarts": values.get("NRestarts", "0"),
                "memory": memory if memory.isdigit() else "0",
            }
    return found


def _live_since(releases: Releases, live: str) -> float:
    times = [
        float(line["at"])
        for line in releases.history()
        if line.get("event") == "live" and line.get("release") == live
    ]
    return times[-1] if times else 0.0


def _health(message: Mapping[str, Any], socket: str) -> str:
    headers = {"Host": message["host"], "X-Forwarded-Proto": "https", "User-Agent": "homeport"}
    return _said(http.get_unix(socket, message["health"], headers, HEALTH_TIMEOUT_S))


def _site(message: Mapping[str, Any]) -> str:
    tls = bool(message["tls"])
    headers = {"Host": message["host"], "User-Agent": "homeport"}
    return _said(
        http.get_address("127.0.0.1", 443 if tls else 80, message["health"], headers, tls=tls)
    )


def _said(answer: http.Answer) -> str:
    return str(answer.status) if answer.status else "no answer"


def _days_left(system: System, path: str) -> Any:
    """Return the days until a certificate ends; None where there is none."""
    if not path or system.stat(path) is None:
        return None
    shown = system.run(["openssl", "x509", "-in", path, "-noout", "-enddate"]).stdout
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
    units: Mapping[str, Mapping[str, str]], live: str, layout: AppLayout, releases: Releases
) -> List[str]:
    """Return what the next command will put in order."""
    found = []
    for unit, each in sorted(units.items()):
        if unit != layout.unit(live) and each["active"] not in ("inactive", ""):
            found.append(f"{unit} is {each['active']}")
    if live and units.get(layout.unit(live), {}).get("active") != "active":
        found.append("the live release does not run")
    found += [f"{os.path.basename(path)} is half built" for path in releases.unfinished()]
    return found
