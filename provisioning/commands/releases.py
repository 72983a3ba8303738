"""`fab releases`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from provisioning.agent.answers import (
    BUILT,
    FAILED,
    LIVE,
    RETIRED,
    ROLLED_BACK,
    STOPPED,
    AppState,
    HistoryEvent,
    ReleaseInfo,
)
from provisioning.cli.apps_in_turn import Fleets
from provisioning.cli.context import CommandContext
from provisioning.cli.options import Options
from provisioning.cli.selection import apps_here
from provisioning.protocol.queries import app_state

if TYPE_CHECKING:
    from provisioning.hosts.host import RemoteHost
    from provisioning.inventory.models.app import App


def releases(options: Options, *, app: str = "") -> int:
    """Show the releases: which one is live, since when, who made it live, and how others ended.

    Returns:
        The exit code.
    """
    context = CommandContext(options)
    apps = apps_here(context, app)
    fleets = Fleets(context)
    counts = []
    for each in apps:
        states = fleets.of(each).all(_question(each))
        for host, state in states.items():
            rows = list(_rows(state))
            counts.append(f"{each.name} on {host}: {_count(rows, len(state.releases))}")
            context.sink.table(
                f"{each.name} on {host}", ("release", "state", "since", "by", "commit"), rows
            )
    return context.end(fleets.runs, conclusion="; ".join(counts))


def _count(rows: Sequence[object], there: int) -> str:
    """Return "5 releases, 3 of them still there"."""
    said = f"{len(rows)} release{'s' * (len(rows) != 1)}"
    return said if there == len(rows) else f"{said}, {there} of them still on the host"


def _question(app: App) -> Callable[[RemoteHost], AppState]:
    return lambda run: run.ask(app_state(app.name))


def _rows(state: AppState) -> Iterator[tuple[str, ...]]:
    """Yield a row for each release that is or was there, the newest first."""
    there = {each.release: each for each in state.releases}
    last: dict[str, HistoryEvent] = {}
    built: dict[str, HistoryEvent] = {}
    for event in state.history:
        if event.event in ENDINGS:
            # That it was stopped afterwards says less than why.
            before = last.get(event.release)
            if not (before and before.event in (ROLLED_BACK, STOPPED) and event.event == RETIRED):
                last[event.release] = event
        if event.event == BUILT:
            built[event.release] = event
    for release in sorted({*there, *last}, reverse=True):
        info, event_of_it = there.get(release), last.get(release)
        # What was pruned is known from the history only.
        about = info or built.get(release) or ReleaseInfo(release)
        at = event_of_it.at if event_of_it else info.built if info else 0.0
        since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at)) if at else ""
        yield (
            release,
            _condition(release, state, event_of_it),
            since,
            (event_of_it.by if event_of_it else "") or about.by,
            about.commit[:7] + (" dirty" if about.dirty else ""),
        )


ENDINGS = (LIVE, FAILED, ROLLED_BACK, RETIRED, BUILT, STOPPED)
"""What says how a release stands."""


def _condition(release: str, state: AppState, last: HistoryEvent | None) -> str:
    if release == state.live:
        return "live"
    event = last.event if last else ""
    if last and event == FAILED:
        return f"failed at {last.at_state or '?'}"
    if event == ROLLED_BACK:
        return "reverted"
    if lacks := state.lacks.get(release):
        return f"its {lacks[0]} is missing"
    if event == STOPPED:
        return "stopped"
    if release == state.previous:
        return "previous"
    if release not in {each.release for each in state.releases}:
        return "pruned"
    return "kept" if event in (LIVE, RETIRED) else "built, never live"
