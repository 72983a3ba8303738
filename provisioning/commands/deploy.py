"""`fab deploy`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace as replace_fields
from functools import partial
from typing import TYPE_CHECKING

from provisioning.agent.facts import Facts
from provisioning.cli.apps_in_turn import Fleets, apps_in_turn, seen_through
from provisioning.cli.context import CommandContext
from provisioning.cli.options import Options
from provisioning.cli.selection import apps_here
from provisioning.deploy.artifact import build_artifact, commit_of
from provisioning.deploy.deploy import deploy as deploy_app
from provisioning.deploy.deployment import Deployment, plan_deployment
from provisioning.deploy.missing_files import check_missing
from provisioning.deploy.requirements.choice import Choice
from provisioning.deploy.requirements.sources import trusted_unseen
from provisioning.deploy.steps import build, check, setup, start
from provisioning.deploy.unread_settings import unread_settings
from provisioning.hosts.host import who
from provisioning.protocol.plan import make_plan

if TYPE_CHECKING:
    from provisioning.hooks import Hooks
    from provisioning.inventory.models.app import App

SHOWN_UNTRACKED = 5


def deploy(
    options: Options, *, app: str = "", replace: bool = False, allow_missing: bool = False
) -> int:
    """Make a new release of the apps live, on all their hosts or on none.

    Args:
        options: What the person said.
        app: Only this app.
        replace: Stop the release before first: it has been compromised.
        allow_missing: Deploy without files that git tracks and the checkout lacks.

    Returns:
        The exit code.
    """
    context = CommandContext(options)
    apps = apps_here(context, app)
    fleets = Fleets(context)
    hooks = {each.name: fleets.hooks(each, "deploy") for each in apps}
    # All that can be wrong on this machine is found before any host is asked.
    deployments = [
        seen_through(
            partial(_built, context, each, hooks[each.name], replace, allow_missing),
            fleets.of(each),
            hooks[each.name],
        )
        for each in apps
    ]
    context.sink.begin(
        "Deploying " + ", ".join(f"{each.app.name} {each.release}" for each in deployments),
        [host.name for host in context.hosts],
    )
    for deployment in deployments:
        if deployment.artifact.dirty:
            context.sink.note(f"{deployment.app.name}: includes uncommitted changes")
        if said := _left_out(deployment.artifact.untracked):
            context.sink.note(f"{deployment.app.name}: {said}")
        for note in deployment.notes:
            context.sink.note(f"{deployment.app.name}: {note}")
        requirements = deployment.artifact.requirements
        if said := trusted_unseen(requirements.listing, requirements.files):
            context.sink.note(f"{deployment.app.name}: {said}")
        if said := unread_settings(deployment.app, deployment.artifact.files):
            context.sink.note(f"{deployment.app.name}: {said}")
    plans = {each.app.name: each for each in deployments}
    return apps_in_turn(context, fleets, hooks, plans, deploy_app)


def _left_out(untracked: Sequence[str]) -> str:
    """Return what a person should know of files that git does not know, "" if there are none."""
    if not untracked:
        return ""
    more = len(untracked) - SHOWN_UNTRACKED
    shown = ", ".join(untracked[:SHOWN_UNTRACKED]) + (f" and {more} more" if more > 0 else "")
    return f"not deployed, because git does not track it: {shown} (git add, or the app's include)"


def _built(
    context: CommandContext, app: App, hooks: Hooks, replace: bool, allow_missing: bool
) -> Deployment:
    source = context.inventory.source_of(app)
    hooks.tell(commit=commit_of(source))
    hooks.run("before-build")
    artifact = build_artifact(source, app.lock_file, include=app.include, choice=Choice.of(app))
    missing = check_missing(app.name, artifact.missing, allowed=allow_missing)
    deployment = plan_deployment(context.inventory, app, artifact, who(), replace=replace)
    deployment = replace_fields(deployment, notes=(*missing, *deployment.notes))
    # As for a host of which nothing is known: what is wrong in a template is found here.
    nothing = Facts()
    make_plan(
        [
            *build(deployment, nothing),
            *setup(app, deployment.release, nothing),
            *check(app, deployment.release, nothing),
            *start(app, deployment.release),
        ]
    )
    # A hook may have made a commit.
    hooks.tell(release=deployment.release, commit=artifact.commit)
    hooks.run("after-build")
    return deployment
