"""How a use case begins: all hosts are this command's, or another one's work is followed."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from provisioning.agent.apps.releases import RELEASE_ID
from provisioning.deploy.checks import must_be_on_one_release
from provisioning.errors import DeployRefusedError, UnreachableError
from provisioning.hosts.fleet import Fleet
from provisioning.protocol.queries import app_state

if TYPE_CHECKING:
    from provisioning.agent.answers import AppState
    from provisioning.agent.facts import Facts
    from provisioning.agent.runs.messages import RunInfo
    from provisioning.hooks import Hooks
    from provisioning.hosts.host import RemoteHost
    from provisioning.inventory.models.app import App


@dataclass(frozen=True)
class Beginning:
    """How a use case has begun.

    Args:
        states: Host -> what is there of the app; empty where not all hosts are this command's.
        facts: Host -> its facts.
        instead: The release that is live because another command has done the same meanwhile.
    """

    states: Mapping[str, AppState] = field(default_factory=dict)
    facts: Mapping[str, Facts] = field(default_factory=dict)
    instead: str = ""

    @property
    def live(self) -> dict[str, str]:
        """Host -> the release that is live there, "" for none."""
        return {host: state.live for host, state in self.states.items()}


def begin(fleet: Fleet, app: App, what: str, hooks: Hooks, *, repeats: bool) -> Beginning:
    """Lock every host, and ask it for its facts and for what it has of an app.

    A host at which a release is being changed already is watched instead, to its end.

    Args:
        fleet: The app's hosts.
        app: The app.
        what: What is to be done, in the words in which others are told of it.
        hooks: The app's.
        repeats: Whether another command that says the same of itself does the very same.

    Raises:
        DeployRefusedError: what was under way there is something else than we are to do.
    """
    if fleet.begin(what):
        states, facts = _ask(fleet, app)
        return Beginning(states, facts) if len(states) == len(fleet.runs) else Beginning()
    watched = _watch(fleet)
    if watched:
        hooks.leave_it()
    _say_who_waits(fleet)
    if not watched or fleet.interrupted:
        return Beginning()
    for begun in watched.values():
        if _kind(begun.what) != _kind(what) or not repeats:
            raise DeployRefusedError(
                f"the {_kind(what)} was not done: {begun.what} by {begun.who} was running",
                hint="run it again if it is still needed",
            )
    if not all(run.report.went_well for run in watched):
        return Beginning()
    if others := [run.name for run in fleet.runs if run not in watched]:
        raise DeployRefusedError(
            f"the {_kind(what)} was not done on {', '.join(others)}: another command was doing "
            f"it on {', '.join(run.name for run in watched)} only",
            hint="run it again",
        )
    # Several commands may have been watched, each a restart of hosts of its own.
    states, _ = _ask(fleet, app)
    must_be_on_one_release(app, states)
    return Beginning(instead=next((state.live for state in states.values()), ""))


def _kind(what: str) -> str:
    """Return what a run is, in the words in which others are told of it: the same at any time.

    Of a release that is the commit.
    """
    return RELEASE_ID.sub(lambda found: found[0].rpartition("-")[2], what)


def _watch(fleet: Fleet) -> dict[RemoteHost, RunInfo]:
    """Follow what others do on our hosts, as if it were ours; return what it was."""
    others = fleet.current_run()
    for run, begun in others.items():
        run.report.error = None
        ago_s = max(0, int(time.time() - begun.began))
        run.note(f"{begun.what} by {begun.who} has been running for {ago_s} s: following it; "
                 "Ctrl-C stops following, not the run")  # fmt: skip
    Fleet(list(others), fleet.parallel).all(lambda run: run.watch(others[run].run))
    return others


def _say_who_waits(fleet: Fleet) -> None:
    """Say what a host that is down means for the others."""
    down = [run.name for run in fleet.runs if isinstance(run.report.error, UnreachableError)]
    others = [run for run in fleet.runs if not run.report.error]
    if down:
        limit = ",".join(run.name for run in others)
        for run in others:
            run.note(
                f"nothing was done: {', '.join(down)} cannot be reached, and all hosts of an app "
                f"switch together; --limit {limit} leaves them out"
            )


def about(state: AppState, release: str) -> dict[str, str]:
    """Return what hooks get to know of a release that exists already."""
    commits = [each.commit for each in state.releases if each.release == release]
    return {"previous": state.live, "commit": commits[0] if commits else ""}


def _ask(fleet: Fleet, app: App) -> tuple[dict[str, AppState], dict[str, Facts]]:
    """Ask every host for its facts, and what is there of an app; in the fleet's order."""
    salt = secrets.token_hex(8)

    def ask(run: RemoteHost) -> tuple[Facts, AppState]:
        facts = run.facts()
        return facts, run.ask(app_state(app.name, salt))

    found = fleet.all(ask)
    answers = {run.name: found[run.name] for run in fleet.runs if run.name in found}
    states = {host: state for host, (_, state) in answers.items()}
    return states, {host: facts for host, (facts, _) in answers.items()}
