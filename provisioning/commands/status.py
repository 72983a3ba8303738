"""`fab status`: every app on every host, in one table."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from provisioning.commands.scene import NOTHING, Options, Scene
from provisioning.host_run import HostRun

if TYPE_CHECKING:
    from provisioning.inventory import Inventory
    from provisioning.inventory.app import App

COLUMNS = (
    "app", "host", "live release", "for", "by", "health", "site", "runs", "restarts", "memory",
    "certificate", "disk free", "visitors", "pending",
)  # fmt: skip


def status(options: Options, named: Sequence[str], *, given: Mapping[str, Any] = NOTHING) -> int:
    """Show how every app is doing on every host.

    Returns:
        The exit code: 1 where an app that was deployed does not answer.
    """
    scene = Scene(options, named, given)
    crew = scene.crew(scene.hosts)
    hosts = dict(zip(crew.runs, scene.hosts, strict=True))

    def ask(run: HostRun) -> dict[str, Any]:
        apps = scene.inventory.apps_on(hosts[run])
        return {app.name: run.ask("status", **_question(scene.inventory, app)) for app in apps}

    answers = crew.all(ask)
    rows = [_row(app, host, state) for host, apps in answers.items() for app, state in apps.items()]
    scene.sink.table(f"Status of {scene.inventory.environment}", COLUMNS, sorted(rows))
    code = scene.end(crew.runs, conclusion=_answered(rows))
    ill = any(
        state["live"] and (state["health"] != "200" or state["site"] != "200")
        for apps in answers.values()
        for state in apps.values()
    )
    return code or int(ill)


def _question(inventory: Inventory, app: App) -> dict[str, Any]:
    certificate = {
        "acme": f"/etc/letsencrypt/live/{app.name}/fullchain.pem",
        "self-signed": f"/etc/homeport/tls/{app.name}/fullchain.pem",
    }.get(inventory.tls.method, "")
    return {
        "app": app.name,
        "health": app.health,
        "host": app.domains[0],
        "tls": inventory.tls.method != "off",
        "certificate": certificate,
    }


def _row(app: str, host: str, state: Mapping[str, Any]) -> tuple[str, ...]:
    days = state["certificate_days"]
    return (
        app,
        host,
        state["live"] or "none",
        age(time.time() - state["since"]) if state["since"] else "",
        state["by"],
        state["health"],
        state["site"],
        str(len(state["running"])),
        str(state["restarts"]),
        f"{state['memory_bytes'] / 2**20:.0f} MB" if state["memory_bytes"] else "",
        f"{days} days" if days is not None else "",
        f"{state['disk_free_percent']} %",
        "maintenance" if state["maintenance"] else "served",
        "; ".join(state["pending"]) or "nothing",
    )


def _answered(rows: Sequence[Sequence[str]]) -> str:
    well = sum(row[5] == row[6] == "200" for row in rows)
    return f"{well} of {len(rows)} answer as they should"


def age(seconds: float) -> str:
    """Return a length of time in its largest unit: "3 d", "5 h", "12 min", "40 s"."""
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length:.0f} {unit}"
    return f"{max(0, seconds):.0f} s"
