"""`fab rollback` and `fab start`: a release that is there already goes live again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioning.deploy.begin import about, begin
from provisioning.deploy.checks import (
    must_be_whole,
    refuse_over_migration,
    release_to_revive,
    stopped_release,
)
from provisioning.deploy.phases import Change, Planner, Step
from provisioning.deploy.rollout import Rollout
from provisioning.deploy.steps import revive
from provisioning.roles import put_in_order_before

if TYPE_CHECKING:
    from provisioning.deploy.begin import Beginning
    from provisioning.hooks import Hooks
    from provisioning.hosts.fleet import Fleet
    from provisioning.inventory.models.app import App


def rollback(
    fleet: Fleet, app: App, hooks: Hooks, *, to: str, https: bool, by: str, force: bool
) -> str:
    """Make an earlier release live again on every host.

    Args:
        fleet: The app's hosts.
        app: The app.
        hooks: Its hooks.
        to: The release's id, or a beginning of it that no other has; "" for the one before.
        https: Whether the site is served on 443.
        by: Who does this.
        force: Go back over a migration that was not declared compatible.

    Returns:
        The release that is live now; "" if it came to nothing.

    Raises:
        DeployRefusedError: there is no such release, it is not whole, or the database was migrated
            since; or a hook kept it from going live.
    """
    with fleet.together():
        what = f"rollback of {app.name}" + (f" to {to}" if to else "")
        begun = begin(fleet, app, what, hooks, repeats=True)
        if not begun.states:
            return begun.instead
        release = release_to_revive(app, begun.states, to)
        must_be_whole(app, begun.states, release)
        if not force and not app.migrate_compatible:
            refuse_over_migration(app, begun.states, release)
        return _revive(fleet, Change(app, release, https, by, rollback=True), begun, hooks)


def start_stopped(fleet: Fleet, app: App, hooks: Hooks, *, https: bool, by: str) -> str:
    """Make the release that was stopped live again on every host.

    Returns:
        The release that is live now; "" if it came to nothing.

    Raises:
        DeployRefusedError: none was stopped, or it is not whole; or a hook kept it from going live.
    """
    with fleet.together():
        begun = begin(fleet, app, f"start of {app.name}", hooks, repeats=True)
        if not begun.states:
            return begun.instead
        release = stopped_release(app, begun.states)
        must_be_whole(app, begun.states, release)
        return _revive(fleet, Change(app, release, https, by), begun, hooks)


def _revive(fleet: Fleet, change: Change, begun: Beginning, hooks: Hooks) -> str:
    app, release = change.app, change.release
    planner = Planner(change, begun, hooks)
    hooks.tell(release=release, **about(begun.states[planner.first], release))
    steps = [Step(None, {host: put_in_order_before(app) for host in planner.facts})]
    if change.rollback:
        steps.append(Step("before-rollback", planner.hooked("before-rollback")))
    revived = {host: revive(app, release) for host in planner.facts}
    done = Rollout(fleet, change, planner.plan(*steps, Step(None, revived)), hooks).carry_out()
    return release if done else ""
