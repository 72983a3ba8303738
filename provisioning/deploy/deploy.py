"""`fab deploy`: a new release goes live on all hosts of an app, or on none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from provisioning.deploy.begin import begin
from provisioning.deploy.checks import lost_runtimes, was_ever_live
from provisioning.deploy.environment import shared_secrets
from provisioning.deploy.phases import Change, Planner, Resources, Step
from provisioning.deploy.requirements.python_version import must_suit
from provisioning.deploy.rollout import Rollout
from provisioning.deploy.steps import build, check, migrate, setup, start
from provisioning.errors import DeployRefusedError
from provisioning.roles import waiting

if TYPE_CHECKING:
    from provisioning.agent.answers import AppState
    from provisioning.deploy.deployment import Deployment
    from provisioning.hooks import Hooks
    from provisioning.hosts.fleet import Fleet
    from provisioning.inventory.models.app import App


def deploy(fleet: Fleet, deployment: Deployment, hooks: Hooks) -> str:
    """Make a new release live on every host, or on none.

    Returns:
        The release that is live now; "" if it came to nothing. It is another one with the same
        code where another command was quicker.

    Raises:
        DeployRefusedError: a hook on the controller kept it from going live, or a host is not
            provisioned for the app or has no Python that its requirements allow.
        ConfigurationError: hosts have different generated secrets.
    """
    app, release = deployment.app, deployment.release
    with fleet.together():
        begun = begin(fleet, app, deployment.what, hooks, repeats=deployment.is_reproducible)
        if not begun.states:
            return begun.instead
        _must_be_provisioned(app, begun.states)
        _tell_what_waits(fleet, deployment, begun.states)
        must_suit(deployment.artifact.requirements, app, begun.facts)
        deployment = replace(
            deployment,
            proposed=shared_secrets(fleet, app, begun.states),
            lost=lost_runtimes(begun.states),
        )
        # What was stopped to be replaced is nothing to go back to.
        change = Change(
            app, release, deployment.https, deployment.by, keeps_before=not deployment.replace
        )
        planner = Planner(change, begun, hooks)
        hooks.tell(previous=begun.live[planner.first])
        steps = _ready(deployment, planner, needs_setup=_needs_setup(deployment, begun.states))
        if Rollout(fleet, change, planner.plan(*steps), hooks).carry_out():
            return release
        _tell_of_migration(fleet, app, release)
        return ""


def _tell_what_waits(fleet: Fleet, deployment: Deployment, states: Mapping[str, AppState]) -> None:
    """Say which settings of the inventory this deploy does not apply."""
    for run in fleet.runs:
        if words := waiting(deployment.to_apply, states[run.name].applied):
            run.note(words)


def _ready(deployment: Deployment, planner: Planner, *, needs_setup: bool) -> Iterator[Step]:
    """Yield the steps by which a release gets ready, in order."""
    app, release = deployment.app, deployment.release
    first, facts = planner.first, planner.facts
    built = {host: tuple(build(deployment.on(host), facts[host])) for host in facts}
    checks = {host: tuple(check(app, release, facts[host])) for host in facts}
    starts = {host: tuple(start(deployment.on(host).app, release)) for host in facts}
    migration: dict[str, Resources] = {}
    if app.migrate:
        before, after = planner.hooked("before-migrate"), planner.hooked("after-migrate")
        migration[first] = (*before[first], *migrate(app, release, facts[first]), *after[first])
    if needs_setup:
        yield Step(None, built)
        yield Step(None, {first: tuple(setup(app, release, facts[first]))})
    if migration and app.migrate_first:
        if not needs_setup:
            yield Step(None, built)
        # A host that cannot build the release must keep it from migrating.
        yield Step("before-migrate", migration, apart=True)
        # What an app reads while it is imported one host has made for all of them.
        yield Step("after-migrate", _joined(checks, starts), apart=True)
        return
    if needs_setup:
        yield Step(None, checks, apart=True)
    else:
        yield Step(None, _joined(built, checks))
    # One host migrates for all of them: after each has imported the release, and before any starts
    # it, which would meet the database of before.
    yield Step("before-migrate", migration, apart=bool(migration))
    yield Step("after-migrate", starts, apart=bool(migration))


def _joined(
    first: Mapping[str, Resources], second: Mapping[str, Resources]
) -> dict[str, Resources]:
    return {host: (*first[host], *second[host]) for host in first}


def _needs_setup(deployment: Deployment, states: Mapping[str, AppState]) -> bool:
    """Tell whether the app's `setup` belongs to this deploy: its first.

    Raises:
        DeployRefusedError: a host of the app that is not asked may have had it.
    """
    app = deployment.app
    if not app.setup or was_ever_live(states):
        return False
    others = [host for host in deployment.placed if host not in states]
    if others:
        raise DeployRefusedError(
            f"cannot deploy {app.name}: its `setup` runs with its first deploy, and "
            f"{', '.join(others)}, which may have had that, is not among the hosts",
            hint="deploy to all hosts of the app; or remove `setup`, if it has run",
        )
    return True


def _tell_of_migration(fleet: Fleet, app: App, release: str) -> None:
    """Say of a release that did not go live that its database migration has run all the same."""
    for run in fleet.runs:
        if run.report.has_changed(f"one-off:{app.name}/{release} migrate"):
            run.note(
                f"the migration of {release} has already run ({app.migrate}): the database stays "
                "as the migration left it"
            )


def _must_be_provisioned(app: App, states: Mapping[str, AppState]) -> None:
    bare = [host for host, state in states.items() if not state.provisioned]
    if bare:
        raise DeployRefusedError(
            f"cannot deploy {app.name} to {', '.join(bare)}: not provisioned for it yet",
            hint=f"fab -H {','.join(bare)} provision",
        )
