"""`fab status`: every app on every host, in one table."""

from __future__ import annotations

import time
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from provisioning.agent import layout
from provisioning.agent.answers import (
    AppStatus,
    Owned,
    ProcessStatus,
    RunStatus,
    TimerStatus,
    plain,
)
from provisioning.agent.debian.certbot import Lineage
from provisioning.cli.context import CommandContext
from provisioning.cli.options import Options
from provisioning.deploy.checks import tell_difference
from provisioning.hosts.host import RemoteHost
from provisioning.protocol import queries
from provisioning.report.names import short_release
from provisioning.roles import settings_to_apply, waiting, web_server
from provisioning.roles.site import site_name

if TYPE_CHECKING:
    from provisioning.inventory import Inventory
    from provisioning.inventory.models.app import App

COLUMNS = (
    "app", "host", "live release", "age", "by", "health", "web", "running", "at boot",
    "restarts", "memory", "processes", "timers", "certificate", "disk free", "visitors",
    "last run", "pending",
)  # fmt: skip

SHORT = (
    "app", "host", "live release", "age", "health", "web", "processes", "visitors", "pending",
)  # fmt: skip
"""Those that fit 100 characters; without the ones in which nothing stands that is worth it."""

_USUAL = ("", "served", "nothing")


def status(options: Options, *, wide: bool = False) -> int:
    """Show how every app is doing on every host.

    Args:
        options: What the person said.
        wide: With all columns.

    Returns:
        The exit code: 1 where an app that was deployed does not answer, a process of it does not
        run, or the last run of a timer has failed.
    """
    context = CommandContext(options)
    fleet = context.fleet(context.hosts)
    apps = {
        run.name: context.inventory.apps_on(host)
        for run, host in zip(fleet.runs, context.hosts, strict=True)
    }

    records: dict[str, Owned] = {}

    def ask(run: RemoteHost) -> Mapping[str, AppStatus]:
        records[run.name] = run.ask(queries.owned())
        return run.ask(
            queries.app_status(
                [_question(context.inventory, app, apps[run.name]) for app in apps[run.name]]
            )
        )

    answers = fleet.all(ask)
    found = sorted(_found(apps, answers), key=lambda each: each[:2])
    waits = {
        app.name: settings_to_apply(context.inventory, app)
        for app in context.inventory.apps.values()
    }
    found = [(app, host, state and _with_waiting(state, waits[app])) for app, host, state in found]
    columns, lines = _columns([_row(*each) for each in found], wide=wide)
    context.sink.table(
        f"Status of {context.inventory.environment}",
        columns,
        lines,
        keys=2,
        values=[
            {"app": app, "host": host, **(plain(state) if state else {})}
            for app, host, state in found
        ],
    )
    _tell(context, found, records, apps)
    healthy = {app.name: app.health_status for its_apps in apps.values() for app in its_apps}
    well = sum(state is not None and _is_well(state, healthy[name]) for name, _, state in found)
    code = context.end(fleet.runs, conclusion=f"{well} of {len(found)} healthy")
    return code or int(
        any(state and state.live and not _is_well(state, healthy[name]) for name, _, state in found)
    )


def _tell(
    context: CommandContext,
    found: Sequence[tuple[str, str, AppStatus | None]],
    records: Mapping[str, Owned],
    apps: Mapping[str, Sequence[App]],
) -> None:
    """Say below the table what needs more words than a cell has."""
    for app, rows in groupby(found, key=lambda each: each[0]):
        difference = tell_difference(app, {host: state.live for _, host, state in rows if state})
        if difference:
            context.sink.note(
                f"{difference}: `fab deploy` of all hosts makes one release live on all of them"
            )
    for host, owned in sorted(records.items()):
        for text in _apps_of_others(
            owned, context.inventory.owner, {app.name for app in apps[host]}
        ):
            context.sink.note(text, host)
    for app, host, state in found:
        for name, timer in state.timers.items() if state else ():
            if timer.failed:
                context.sink.note(
                    f"the last run of {app}'s timer {name} failed: `fab logs {app}` shows why", host
                )


def _with_waiting(state: AppStatus, wanted: Mapping[str, str]) -> AppStatus:
    """Return how an app is doing, with what of the inventory the host does not have yet."""
    words = waiting(wanted, state.applied)
    return state._replace(pending=(*state.pending, words)) if words else state


def _columns(
    rows: Sequence[Sequence[str]], *, wide: bool
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the names of the columns that are shown, and the rows with these."""
    shown = [
        number
        for number, name in enumerate(COLUMNS)
        if wide
        or (name in SHORT and (number < 2 or any(row[number] not in _USUAL for row in rows)))
    ]
    names = tuple(COLUMNS[number] for number in shown)
    return names, [tuple(row[number] for number in shown) for row in rows]


def _apps_of_others(owned: Owned, owner: str, known: Container[str]) -> Iterator[str]:
    """Yield a line for each app on a host that this inventory does not have."""
    for app, entry in sorted(owned.apps.items()):
        serves = f"serves {', '.join(entry.domains)}" if entry.domains else "serves nothing"
        if entry.owner != owner:
            yield f"also here: the app {app} of {entry.owner}, which {serves}"
        elif app not in known:
            yield f"no longer in the inventory: the app {app}, which {serves}"


def _found(
    apps: Mapping[str, Sequence[App]], answers: Mapping[str, Mapping[str, AppStatus]]
) -> Iterator[tuple[str, str, AppStatus | None]]:
    """Yield app, host and state; those of hosts that gave no answer are not left out."""
    for host, its_apps in apps.items():
        for app in its_apps:
            yield app.name, host, answers.get(host, {}).get(app.name)


def _is_well(state: AppStatus, healthy: Iterable[int]) -> bool:
    good = {str(status) for status in healthy}
    return (
        {state.health, state.site} <= good
        and all(each.running == each.wanted for each in state.processes.values())
        and not any(each.failed for each in state.timers.values())
    )


def _question(inventory: Inventory, app: App, apps: Iterable[App]) -> dict[str, Any]:
    site = site_name(app, apps)
    certificates = {
        # The second: of an earlier Homeport, until the next provision.
        "acme": [Lineage(site).chain, Lineage(site, layout.EARLIER_ACME).chain],
        "self-signed": [f"/etc/homeport/tls/{site}/fullchain.pem"],
        "files": ["/etc/homeport/tls/given/fullchain.pem"],
    }.get(inventory.tls.method, [])
    if inventory.tls.method == "acme" and web_server(app.web_server).BRINGS_CERTIFICATES:
        # Where those are is its own business: the host looks at what visitors are shown.
        certificates = []
    return {
        "app": app.name,
        "health": app.at(app.health),
        "host": app.domains[0],
        "tls": inventory.tls.https,
        "certificates": certificates,
    }


def _row(app: str, host: str, state: AppStatus | None) -> tuple[str, ...]:
    if not state:
        return (app, host, "unknown", *[""] * (len(COLUMNS) - 4), "the host gave no answer")
    days, memory = state.certificate_days, state.memory_bytes
    return (
        app,
        host,
        short_release(state.live) or ("stopped" if state.stopped else "none"),
        age(time.time() - state.since) if state.since else "",
        state.by,
        state.health,
        state.site,
        str(len(state.running)),
        "yes" if state.at_boot else "no",
        str(state.restarts),
        f"{memory / 2**20:.0f} MB" if memory else "",
        ", ".join(_process(name, each) for name, each in state.processes.items()),
        ", ".join(_timer(name, each) for name, each in state.timers.items()),
        f"{days} days" if days is not None else "",
        f"{state.disk_free_percent} %",
        "maintenance" if state.maintenance else "served",
        _run(state.runs[0]) if state.runs else "",
        "; ".join(state.pending) or "nothing",
    )


def _process(name: str, state: ProcessStatus) -> str:
    """Return "worker 2/2": how many of it run, of how many."""
    restarts = f" ({state.restarts} restarts)" if state.restarts else ""
    return f"{name} {state.running}/{state.wanted}{restarts}"


def _timer(name: str, state: TimerStatus) -> str:
    """Return "nightly 2026-11-26 03:00:00 UTC": when it runs next."""
    # systemd writes the day of the week before it, and nothing while the command runs.
    when = state.next.partition(" ")[2]
    if state.running:
        when = "runs now"
    return f"{name} {when or 'is stopped'}{' (last run failed)' if state.failed else ''}"


def _run(run: RunStatus) -> str:
    """Return "provision by ann@desk 5 min ago: done"."""
    since = age(time.time() - run.began)
    return f"{run.what} by {run.who} {since} ago: {run.ended or 'not ended'}"


def age(seconds: float) -> str:
    """Return a length of time in its largest unit: "3 d", "5 h", "12 min", "40 s"."""
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length:.0f} {unit}"
    return f"{max(0, seconds):.0f} s"
