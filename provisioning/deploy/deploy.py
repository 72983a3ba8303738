"""`fab deploy`: a new release goes live on all hosts of an app, or on none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from provisioning.deploy.begin import begin
from provisioning.deploy.checks import lost_runtimes
from provisioning.deploy.environment import shared_secrets
from provisioning.deploy.phases import Change, Planner, Step
from provisioning.deploy.requirements.python_version import must_suit
from provisioning.deploy.rollout import Rollout
from provisioning.deploy.steps import build, migrate, start
from provisioning.errors import DeployRefusedError

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
        first, facts = planner.first, planner.facts
        hooks.tell(previous=begun.live[first])
        steps = [Step(None, {host: build(deployment.on(host), facts[host]) for host in facts})]
        if app.migrate:
            before, after = planner.hooked("before-migrate"), planner.hooked("after-migrate")
            migration = [*before[first], *migrate(app, release, facts[first]), *after[first]]
            steps.append(Step("before-migrate", {first: migration}))
        else:
            steps.append(Step("before-migrate", {}))
        steps.append(
            Step("after-migrate", {host: start(deployment.on(host).app, release) for host in facts})
        )
        if Rollout(fleet, change, planner.plan(*steps), hooks).carry_out():
            return release
        _tell_of_migration(fleet, app, release)
        return ""


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
