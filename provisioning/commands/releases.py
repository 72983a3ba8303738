"""`fab releases`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from provisioning.cli.apps_in_turn import Fleets
from provisioning.cli.context import CommandContext
from provisioning.cli.options import Options
from provisioning.cli.selection import apps_here

if TYPE_CHECKING:
    from provisioning.hosts.host import RemoteHost
    from provisioning.inventory.models.app import App


def releases(options: Options, *, app: str = "") -> int:
    """Show what is there, what is live, since when, by whom, and how it ended.

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
            counts.append(f"{each.name} on {host}: {_count(rows, len(state['releases']))}")
            context.sink.table(
                f"{each.name} on {host}", ("release", "state", "since", "by", "commit"), rows
            )
    return context.end(fleets.runs, conclusion="; ".join(counts))


def _count(rows: Sequence[object], there: int) -> str:
    """Return "5 releases, 3 of them still there"."""
    said = f"{len(rows)} release{'s' * (len(rows) != 1)}"
    return said if there == len(rows) else f"{said}, {there} of them still there"


def _question(app: App) -> Callable[[RemoteHost], Any]:
    return lambda run: run.ask("app", app=app.name)


def _rows(state: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Yield a row for each release that is or was there, the newest first."""
    manifests = {each["release"]: each for each in state["releases"]}
    last: dict[str, Mapping[str, Any]] = {}
    built: dict[str, Mapping[str, Any]] = {}
    for line in state["history"]:
        if line["event"] in ENDINGS:
            # That it was stopped afterwards says less than why.
            before = last.get(line["release"], {}).get("event")
            if not (before in ("rolled_back", "stopped") and line["event"] == "retired"):
                last[line["release"]] = line
        if line["event"] == "built":
            built[line["release"]] = line
    for release in sorted({*manifests, *last}, reverse=True):
        manifest, line = manifests.get(release, {}), last.get(release, {})
        # What was pruned is known from the history only.
        about = manifest or built.get(release, {})
        at = line.get("at") or manifest.get("built")
        since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at)) if at else ""
        yield (
            release,
            _condition(release, state, manifest, line),
            since,
            str(line.get("by") or about.get("by", "")),
            str(about.get("commit", ""))[:7] + (" dirty" if about.get("dirty") else ""),
        )


ENDINGS = ("live", "failed", "rolled_back", "retired", "built", "stopped")
"""Events of a host's history that say how a release stands."""


def _condition(
    release: str, state: Mapping[str, Any], manifest: Mapping[str, Any], line: Mapping[str, Any]
) -> str:
    if release == state["live"]:
        return "live"
    event = line.get("event")
    if event == "failed":
        return f"failed at {line.get('at_state', '?')}"
    if event == "rolled_back":
        return "reverted"
    if lacks := state["lacks"].get(release):
        return f"its {lacks[0]} is gone"
    if event == "stopped":
        return "stopped"
    if release == state["previous"]:
        return "previous"
    if not manifest:
        return "pruned"
    return "kept" if event in ("live", "retired") else "built, never live"
