"""`fab rollback`, and `fab start`."""

from __future__ import annotations

from functools import partial

from provisioning.cli.apps_in_turn import Fleets, apps_in_turn
from provisioning.cli.context import CommandContext
from provisioning.cli.options import Options
from provisioning.cli.selection import apps_here, apps_named
from provisioning.deploy.rollback import rollback as rollback_app
from provisioning.deploy.rollback import start_stopped
from provisioning.errors import ConfigurationError
from provisioning.hosts.host import who


def rollback(
    options: Options,
    *,
    app: str = "",
    to: str = "",
    force: bool = False,
) -> int:
    """Make an earlier release live again.

    Args:
        options: What the person said.
        app: The app; needed where there are several.
        to: The release; default: the one that was live before.
        force: Go back over a migration.

    Returns:
        The exit code.
    """
    context = CommandContext(options)
    apps = apps_here(context, app)
    if len(apps) > 1:
        raise ConfigurationError(
            "cannot tell which app to roll back: there are " + ", ".join(a.name for a in apps),
            hint=f"fab rollback --app {apps[0].name}",
        )
    fleets = Fleets(context)
    hooks = {apps[0].name: fleets.hooks(apps[0], "rollback")}
    context.sink.begin(f"Rolling back {apps[0].name}", [host.name for host in context.hosts])
    https = context.inventory.tls.https
    work = partial(rollback_app, to=to, https=https, by=who(), force=force)
    return apps_in_turn(context, fleets, hooks, {apps[0].name: apps[0]}, work)


def start(options: Options, *, app: str) -> int:
    """Make the release of an app live again that was stopped.

    Args:
        options: What the person said.
        app: The app.

    Returns:
        The exit code.
    """
    context = CommandContext(options)
    [found] = apps_named(context, app)
    fleets = Fleets(context)
    hooks = {found.name: fleets.hooks(found, "restart")}
    context.sink.begin(f"Starting {found.name}", [host.name for host in context.hosts])
    https = context.inventory.tls.https
    work = partial(start_stopped, https=https, by=who())
    return apps_in_turn(context, fleets, hooks, {found.name: found}, work)
