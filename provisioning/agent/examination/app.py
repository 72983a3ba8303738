"""What this host has of an app, as far as a check of production asks for it."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import time
from typing import Any, Iterator, List, Mapping, Optional, Tuple

from provisioning.agent.answers import AppExamination, Renewal
from provisioning.agent.apps.environment import of_release
from provisioning.agent.apps.releases import Releases
from provisioning.agent.errors import AgentError
from provisioning.agent.examination.secrets import access, access_of, secrets_of
from provisioning.agent.layout import RENEWAL, AppLayout
from provisioning.agent.machine import files, http, systemctl
from provisioning.agent.machine.system import System

HEALTH_TIMEOUT_S = 5.0

PROPERTIES = "User,Environment,ControlGroup,LoadState"

EXPOSURE = re.compile(r"Overall exposure level for \S+: (\d+(?:\.\d+)?)")
"""Last line of `systemd-analyze security`."""

WORD = re.compile(r"[A-Za-z0-9_./:+-]{1,100}")
"""Of a command line, what names programs, modules and options; a secret's value may stand there."""

NAMING = re.compile(
    r"python[0-9.]*|flask|django|django-admin|werkzeug|manage\.py|runserver(_plus)?|run|fastapi|dev"
    r"|--reload|--debug"
)
"""Words of a command line that are told: others could be anything."""

FEW = 3
MOST_PROCESSES = 64


def examine_app(message: Mapping[str, Any], system: System) -> Optional[AppExamination]:
    """Return what there is of an app, or None if nothing is.

    Args:
        message: "app", "site" (whose certificate it has), "health" (its path, as visitors ask for
            it), "host" (its main domain), "salt".
        system: The machine.
    """
    app = message["app"]
    releases = Releases(app, system)
    if system.stat(releases.layout.releases) is None:
        return None
    live = releases.live
    complete = [each for each in releases.complete() if each != live]
    damaged = [each for each in complete if releases.lacks(each)]
    health, took_ms = _health(message, releases.socket(live)) if live else ("no release is live", 0)
    unit = _unit(system, releases.layout.unit(live)) if live else {}
    return AppExamination(
        live=live,
        whole=tuple(each for each in complete if each not in damaged),
        damaged=tuple(damaged),
        health=health,
        health_ms=took_ms,
        exposure=_exposure(system, releases.layout.unit(live)) if live else None,
        user=unit.get("User", ""),
        programs=tuple(_programs(unit.get("ControlGroup", ""))),
        unit_variables=tuple(_names(unit.get("Environment", ""))),
        variables=tuple(sorted(of_release(system, app, live))) if live else (),
        secrets=secrets_of(system, app, live, message["salt"]) if live else {},
        access=access_of(system, app) if live else {},
        code=access(system, releases.layout.code(live)) if live else None,
        static=tuple(_static(releases.layout)),
        sources=tuple(_sources(releases.layout, live)) if live else (),
        renewal=_renewal(system, message["site"]),
    )


def _health(message: Mapping[str, Any], socket: str) -> Tuple[str, int]:
    began = time.monotonic()
    answer = http.ask_release(socket, message["health"], message["host"], HEALTH_TIMEOUT_S)
    took_ms = round(1000 * (time.monotonic() - began))
    return (str(answer.status) if answer.status else answer.body[:200]), took_ms


def _unit(system: System, unit: str) -> Mapping[str, str]:
    return systemctl.show(system, PROPERTIES, unit).get(unit, {})


def _exposure(system: System, unit: str) -> Optional[float]:
    try:
        said = system.run(["systemd-analyze", "security", "--no-pager", unit], timeout_s=30)
    except AgentError:
        return None
    found = EXPOSURE.search(said.stdout)
    return float(found[1]) if found else None


def _names(environment: str) -> List[str]:
    """Return the names of variables in the property Environment= of a unit."""
    try:
        words = shlex.split(environment)
    except ValueError:
        words = environment.split()
    return sorted({word.partition("=")[0] for word in words if "=" in word})


def _programs(group: str) -> Iterator[str]:
    """Yield, for each process of a control group, the telling words of its command line."""
    with contextlib.suppress(OSError), open(f"/sys/fs/cgroup{group}/cgroup.procs") as file:
        for pid in file.read(1 << 16).split()[:MOST_PROCESSES] if group else ():
            with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as line:
                words = line.read(4096).decode(errors="replace").replace("\0", " ").split()
                named = [os.path.basename(word) for word in words if WORD.fullmatch(word)]
                yield " ".join(word for word in named if NAMING.fullmatch(word))


def _static(layout: AppLayout) -> Iterator[str]:
    """Yield the URLs of a few static files; they lie by URL."""
    names = files.regular_files(layout.static)
    usual = [name for name in names if not os.path.basename(name).startswith(".")]
    yield from (f"/{name}" for name in usual[:FEW])


def _sources(layout: AppLayout, live: str) -> Iterator[str]:
    """Yield the names of a few files of its code, those at the top first."""
    names = [name for name in files.regular_files(layout.code(live)) if name.endswith(".py")]
    yield from sorted(names, key=lambda name: (name.count("/"), name))[:FEW]


def _renewal(system: System, site: str) -> Optional[Renewal]:
    timer, service = f"{RENEWAL}@{site}.timer", f"{RENEWAL}@{site}.service"
    shown = systemctl.show(
        system, "LoadState,ActiveState,Result,ExecMainStartTimestamp", timer, service
    )
    if shown.get(timer, {}).get("LoadState") != "loaded":
        return None
    ran = shown.get(service, {})
    return Renewal(
        timer=shown[timer].get("ActiveState", ""),
        result=ran.get("Result", "") if ran.get("ExecMainStartTimestamp") else "",
    )
