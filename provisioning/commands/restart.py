"""`fab restart`, and `fab deploy --env-only`."""

from __future__ import annotations

from provisioning.cli.apps_in_turn import Fleets, apps_in_turn
from provisioning.cli.context import CommandContext
from provisioning.cli.options import Options
from provisioning.cli.selection import apps_here
from provisioning.deploy.renew import plan_renewal
from provisioning.deploy.renew import renew as renew_app
from provisioning.hooks import Command
from provisioning.hosts.host import who


def renew(
    options: Options,
    *,
    app: str = "",
    new_environment: bool,
    rotate: bool = False,
) -> int:
    """Restart the live release of the apps, or give it another environment.

    Args:
        options: What the person said.
        app: Only this app.
        new_environment: Whether the environment is read anew, or stays as it is.
        rotate: Whether secrets that Homeport generates get new values.

    Returns:
        The exit code.
    """
    context = CommandContext(options)
    renewals = [
        plan_renewal(context.inventory, each, who(), new_environment=new_environment, rotate=rotate)
        for each in apps_here(context, app)
    ]
    fleets = Fleets(context)
    command: Command = "deploy" if new_environment else "restart"
    hooks = {each.app.name: fleets.hooks(each.app, command) for each in renewals}
    verb = "New environment for" if new_environment else "Restarting"
    names = ", ".join(renewal.app.name for renewal in renewals)
    context.sink.begin(f"{verb} {names}", [host.name for host in context.hosts])
    taken = "environment and server settings" if new_environment else "server settings"
    for renewal in renewals:
        context.sink.note(
            f"{renewal.app.name}: the code stays; {taken} (workers, threads, timeouts, memory_max, "
            "processes, timers and the server's own table) come from the inventory"
        )
        for note in renewal.notes:
            context.sink.note(f"{renewal.app.name}: {note}")
    plans = {each.app.name: each for each in renewals}
    return apps_in_turn(context, fleets, hooks, plans, renew_app)
