"""Take an app's hosts through a deploy or a rollback together.

Every host prepares; only when all of them are ready does any of them switch. One host that
refuses a release keeps it from going live anywhere.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from provisioning.deploy import Deployment, prepare, propose_secrets, revive, switch
from provisioning.errors import (
    ConfigurationError,
    DeployRefusedError,
    HomeportError,
    InterruptedRunError,
)
from provisioning.fleet import run_on_hosts
from provisioning.resources import Resource, Retired
from provisioning.rollback_checks import must_be_whole, no_such_release

if TYPE_CHECKING:
    from provisioning.host_run import HostRun
    from provisioning.inventory.app import App

State = Mapping[str, Any]
"""What a host says of an app: see agent/questions.py."""


@dataclass(frozen=True)
class Crew:
    """The hosts of one app during one command.

    Args:
        runs: One per host.
        parallel: How many of them work at the same time, at most.
    """

    runs: Sequence[HostRun]
    parallel: int = 32

    def all(self, work: Callable[[HostRun], Any]) -> dict[str, Any]:
        """Do something on every host at once; remember errors with the hosts.

        Returns:
            Host -> what the work returned, for hosts on which it came to its end.
        """
        outcomes = run_on_hosts(
            self.runs, work, parallel=self.parallel, on_interrupt=self._interrupt
        )
        results = {}
        for outcome in outcomes:
            if outcome.interrupted:
                outcome.host.fail(InterruptedRunError("interrupted", hint="run it again"))
            elif outcome.error is None:
                results[outcome.host.name] = outcome.result
            elif isinstance(outcome.error, HomeportError):
                outcome.host.fail(outcome.error)
            else:
                raise outcome.error
        return results

    def converge(self, resources: Callable[[HostRun], Iterable[Resource]]) -> bool:
        """Bring resources to their desired state on every host; return whether all are."""
        results = self.all(lambda run: run.converge(resources(run)))
        return len(results) == len(self.runs) and all(results.values())

    def _interrupt(self) -> None:
        for run in self.runs:
            run.stop()
            run.note("stopping after what it is at; Ctrl-C once more does not wait for it")


def deploy(crew: Crew, deployment: Deployment) -> bool:
    """Make a new release live on every host, or on none.

    Returns:
        Whether it is live.
    """
    app = deployment.app
    states = _states(crew, app)
    if len(states) < len(crew.runs):
        return False
    _must_be_provisioned(app, states)
    deployment = replace(deployment, proposed=_shared_secrets(crew, app, states))
    leader = crew.runs[0].name
    prepared = crew.converge(
        lambda run: prepare(deployment, run.known_facts, migrate=run.name == leader)
    )
    if not prepared:
        _stand_down(crew, app)
        return False
    return crew.converge(
        lambda _: switch(app, deployment.release, tls=deployment.tls, by=deployment.by)
    )


def rollback(crew: Crew, app: App, *, to: str, tls: bool, by: str, force: bool) -> str:
    """Make an earlier release live again on every host.

    Args:
        crew: The app's hosts.
        app: The app.
        to: The release's id, or a beginning of it that no other has; "" for the one before.
        tls: Whether the site is served on 443.
        by: Who does this.
        force: Go back over a migration that was not declared compatible.

    Returns:
        The release that is live now; "" if it came to nothing.
    """
    states = _states(crew, app)
    if len(states) < len(crew.runs):
        return ""
    release = _rollback_release(app, states, to)
    must_be_whole(app, states, release)
    if not force and not app.migrate_compatible:
        _refuse_over_migration(app, states, release)
    if not crew.converge(lambda run: revive(app, release, run.known_facts)):
        _stand_down(crew, app)
        return ""
    done = crew.converge(lambda _: switch(app, release, tls=tls, by=by, rollback=True))
    return release if done else ""


def _states(crew: Crew, app: App) -> dict[str, State]:
    """Ask every host what is there of an app, and for its facts."""
    salt = secrets.token_hex(8)

    def ask(run: HostRun) -> Any:
        run.known_facts = run.facts()
        return run.ask("app", app=app.name, salt=salt)

    return crew.all(ask)


def _must_be_provisioned(app: App, states: Mapping[str, State]) -> None:
    bare = [host for host, state in states.items() if not state["provisioned"]]
    if bare:
        raise DeployRefusedError(
            f"cannot deploy {app.name} to {', '.join(bare)}: not provisioned for it yet",
            hint=f"fab -H {','.join(bare)} provision",
        )


def _shared_secrets(crew: Crew, app: App, states: Mapping[str, State]) -> dict[str, str]:
    """Return the generated secrets, the same for all hosts: theirs where they have any."""
    held = {host: state["secrets"] for host, state in states.items()}
    known: dict[str, str] = {}
    for name in propose_secrets(app):
        holders = {host: digests[name] for host, digests in held.items() if name in digests}
        if len(set(holders.values())) > 1:
            raise ConfigurationError(
                f"the generated secret {name} of {app.name} differs between {', '.join(holders)}",
                hint=f"decide for one: remove {name} from /srv/{app.name}/secrets.json on the "
                "other hosts, then deploy again",
            )
        if holders and len(holders) < len(crew.runs):
            holder = next(run for run in crew.runs if run.name in holders)
            values = holder.ask("secrets", app=app.name)
            assert isinstance(values, dict)
            known[name] = values[name]
    return propose_secrets(app, known)


def _rollback_release(app: App, states: Mapping[str, State], to: str) -> str:
    """Return the release to go back to, which every host must have."""
    if to:
        there = [{each["release"] for each in state["releases"]} for state in states.values()]
        matching = sorted(
            each for each in set.intersection(*there) if each.startswith(to) or each.endswith(to)
        )
        if len(matching) != 1:
            raise no_such_release(app, states, to, matching)
        release = str(matching[0])
    else:
        previous = {str(state["previous"]) for state in states.values()}
        if len(previous) != 1 or "" in previous:
            raise ConfigurationError(
                f"cannot roll {app.name} back: "
                + ("no earlier release is there" if previous <= {""} else
                   "the hosts differ in what was live before"),
                hint="fab releases, then fab rollback --to ID",
            )  # fmt: skip
        release = previous.pop()
    if all(state["live"] == release for state in states.values()):
        raise ConfigurationError(
            f"release {release} of {app.name} is live already", hint="fab releases"
        )
    return release


def _refuse_over_migration(app: App, states: Mapping[str, State], release: str) -> None:
    """Refuse to run an older release on a database that a newer one has migrated."""
    for state in states.values():
        newer = [
            each["release"]
            for each in state["releases"]
            if release < each["release"] <= state["live"] and each.get("migrates")
        ]
        if newer:
            raise DeployRefusedError(
                f"cannot roll {app.name} back to {release}: {newer[-1]} has migrated the database "
                "since, and the older code may not know it",
                hint="fab rollback --force if it does; migrate_compatible = true under "
                f"[apps.{app.name}] if it always does",
            )


def _stand_down(crew: Crew, app: App) -> None:
    """Stop what was started for a release that will not go live."""
    if any(isinstance(run.report.error, InterruptedRunError) for run in crew.runs):
        return
    refused = [run.name for run in crew.runs if run.report.failed or run.report.error]
    for run in crew.runs:
        if run.name not in refused:
            run.note(f"kept back: {', '.join(refused)} did not get ready")
    ready = [run for run in crew.runs if run.name not in refused]
    Crew(ready, crew.parallel).converge(
        lambda _: [Retired(app.name, drain_timeout_s=app.drain_timeout_s)]
    )
