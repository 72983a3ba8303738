"""An app that is asked about itself: in its live release, as its user, in its sandbox.

What it prints is the word of a program that may be hostile: it is bounded in time and length, and
each value is checked.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provisioning.agent.answers import ReleaseInfo
from provisioning.agent.apps.runtimes import kind_named
from provisioning.agent.layout import AppLayout
from provisioning.deploy.import_check import frameworks
from provisioning.doctor.seen import AppSays, Cookies, Proxied, SecretKey
from provisioning.errors import HomeportError
from provisioning.hosts.exec import Size, attach
from provisioning.operations.run import live_program
from provisioning.protocol.shapes import (
    Shape,
    ShapeError,
    flag,
    list_of,
    matching,
    maybe,
    record,
    whole,
)

if TYPE_CHECKING:
    from provisioning.agent.answers import AppExamination
    from provisioning.agent.facts import Facts
    from provisioning.hosts.host import RemoteHost
    from provisioning.inventory.models.app import App
    from provisioning.inventory.types.interface import Interface

TIMEOUT_S = 60
"""Within which the app is imported and has answered."""

MOST_BYTES = 64 * 1024
"""How much an app may print: what it says is a thousandth of that, besides what it logs."""

DATABASE_NAME = re.compile(r"(?i)(^|_)(database|db|postgres|pg|mysql|mariadb|mongo|redis)(_|$)")
"""Names of variables that say where a database is."""

NOWHERE = (
    "PrivateNetwork=yes",
    "InaccessiblePaths=-/run/postgresql -/run/mysqld -/run/redis",
)
"""Without any network, and without the sockets of databases. Source: systemd.exec(5)."""

CALLERS: Mapping[Interface, str] = {"wsgi": "call", "asgi": "call_asgi"}
"""Functions of the probe that send an app a request."""

_SHORT = matching(r"[ -~]{0,200}")
_NAME = matching(r"[A-Za-z0-9_]{0,100}")
_KEY = record({"chars": whole, "distinct": whole, "variable": _NAME})
_COOKIES = record({"name": _SHORT, "secure": flag, "httponly": flag, "samesite": _SHORT})
_SETTINGS = record(
    {"framework": _SHORT, "debug": flag},
    {"secret_key": _KEY, "cookies": _COOKIES, "static_url": _SHORT, "warnings": list_of(_SHORT)},
)
_PROXIED = record({"scheme": _SHORT, "host": _SHORT, "client": _SHORT, "url": _SHORT})
_ANSWERS: Shape = record(
    {},
    {
        "error": _SHORT,
        "settings": _SETTINGS,
        "proxy": maybe(_PROXIED),
        "leaks": flag,
        "log_files": list_of(_SHORT),
        "health": whole,
    },
)


class TooMuchError(HomeportError):
    """The app prints more than anybody reads."""


class Printed:
    """A console that keeps what a program prints.

    Args:
        text: What the program reads on stdin.
    """

    size: Size | None = None

    def __init__(self, text: str) -> None:
        self._text = text
        self._read = 0
        self.output = b""

    def input(self) -> Iterator[bytes | Size]:
        """Yield the text."""
        yield self._text.encode()

    def write(self, data: bytes, *, error: bool) -> None:
        """Keep what stands on stdout; what it logs only counts."""
        self._read += len(data)
        if self._read > MOST_BYTES:
            raise TooMuchError("it prints without end")
        if not error:
            self.output += data


def ask_app(run: RemoteHost, app: App, facts: Facts, found: AppExamination) -> AppSays:
    """Return what an app says of itself.

    Args:
        run: The host.
        app: The app.
        facts: Of the host.
        found: What the host has of the app; a release must be live.
    """
    if app.served_by != app.server:
        return AppSays(error="what a container runs is not imported by the doctor")
    says = _ask(run, app, facts, found.live, everything=True)
    if says.error or says.health not in app.health_status or not _has_database(app, found):
        return says
    gone = _ask(run, app, facts, found.live, everything=False, without=_without_database(app))
    # An app that cannot even be imported without it does not lie.
    return replace(says, health_without_database=gone.health if not gone.error else 0)


def _has_database(app: App, found: AppExamination) -> bool:
    return bool(app.all_shared) or any(DATABASE_NAME.search(name) for name in found.variables)


def _without_database(app: App) -> tuple[str, ...]:
    return (*NOWHERE, f"InaccessiblePaths=-{AppLayout(app.name).shared}")


def _ask(
    run: RemoteHost,
    app: App,
    facts: Facts,
    release: str,
    *,
    everything: bool,
    without: Sequence[str] = (),
) -> AppSays:
    marker = secrets.token_hex(16)
    printed = Printed(program(app, marker, everything=everything))
    limits = (f"RuntimeMaxSec={TIMEOUT_S}", *without)
    live = ReleaseInfo(release, runtime=f"{kind_named(app.runtime).folder}/live")
    runs = live_program(app, live, facts, ("python", "-"), terminal=False, properties=limits)
    try:
        attach(runs, run.open, printed)
    except TooMuchError as error:
        return AppSays(error=error.message)
    return parsed(printed.output, marker)


@cache
def _text() -> str:
    return Path(__file__).with_name("probe.py").read_text()


def program(app: App, marker: str, *, everything: bool) -> str:
    """Return what the app's Python reads: the probe, and how it gets the app.

    Args:
        app: The app.
        marker: What its answer begins with.
        everything: Ask for all; else for the health path only.
    """
    module, _, target = app.entry_point.partition(":")
    return (
        f"{_text()}\n\n{frameworks()}\n\n"
        f"def load():\n    import {module} as module\n"
        f"    return module.{target}\n\n"
        f"caller = {CALLERS[app.interface]}\n"
        f"prefix = {app.script_name!r}\n"
        f"main(load, {marker!r}, {app.health!r}, {app.domains[0]!r}, {everything!r})\n"
    )


def parsed(output: bytes, marker: str) -> AppSays:
    """Return what the probe has printed, or that it has not."""
    line = (
        output.rpartition(marker.encode())[2].partition(b"\n")[0]
        if marker.encode() in output
        else b""
    )
    try:
        answers: dict[str, Any] = _ANSWERS(json.loads(line), "answer")
    except (ValueError, RecursionError, ShapeError):
        return AppSays(error=f"it gave no answer that can be read within {TIMEOUT_S} s")
    if "error" in answers:
        return AppSays(error=f"it cannot be imported: {answers['error']}")
    settings = answers.get("settings", {})
    proxied, key, cookies = (
        answers.get("proxy"), settings.get("secret_key"), settings.get("cookies"),
    )  # fmt: skip
    return AppSays(
        framework=settings.get("framework", ""),
        debug=settings.get("debug"),
        leaks=answers.get("leaks"),
        secret_key=SecretKey(**key) if key else None,
        cookies=Cookies(**cookies) if cookies else None,
        proxied=Proxied(**proxied) if proxied else None,
        static_url=settings.get("static_url", ""),
        warnings=tuple(settings["warnings"]) if "warnings" in settings else None,
        log_files=tuple(answers.get("log_files", ())),
        health=answers.get("health"),
    )
