"""The app that a command is about, and its hosts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from provisioning.errors import ConfigurationError
from provisioning.inventory.suggest import did_you_mean

if TYPE_CHECKING:
    from provisioning.cli.context import CommandContext
    from provisioning.inventory.models.app import App
    from provisioning.inventory.models.host import Host


def apps_named(context: CommandContext, name: str) -> list[App]:
    """Return the app of that name; all apps for "".

    Raises:
        ConfigurationError: There is no such app, or none at all.
    """
    apps = context.inventory.apps
    if not apps:
        raise ConfigurationError(
            f"there is no app in {context.inventory.path}", hint="add a table [apps.<name>]"
        )
    if not name:
        return list(apps.values())
    if name not in apps:
        raise ConfigurationError(f"there is no app {name}{did_you_mean(name, apps)}")
    return [apps[name]]


def apps_here(context: CommandContext, name: str) -> list[App]:
    """Return the app of that name; for "" all apps with a host among those of the command.

    Raises:
        ConfigurationError: There is no such app, or none at all, or none on these hosts.
    """
    apps = apps_named(context, name)
    here = {app.name for host in hosts_of(context, apps) for app in context.inventory.apps_on(host)}
    for app in apps:
        if app.name not in here:
            own = ", ".join(host.name for host in context.inventory.hosts_of(app)) or "no host"
            context.sink.note(f"{app.name} is skipped: it runs on {own}")
    return [app for app in apps if app.name in here]


def hosts_of(context: CommandContext, apps: Iterable[App]) -> list[Host]:
    """Return the hosts of apps among those that the command is for.

    Raises:
        ConfigurationError: None of them is theirs.
    """
    apps = list(apps)
    inventory = context.inventory
    hosts = [
        host for host in context.hosts if any(each in apps for each in inventory.apps_on(host))
    ]
    if not hosts:
        own = dict.fromkeys(host.name for app in apps for host in inventory.hosts_of(app))
        raise ConfigurationError(
            f"{' and '.join(app.name for app in apps)} does not run on "
            + ", ".join(host.name for host in context.hosts),
            hint=f"its hosts are {', '.join(own) or 'none'}",
        )
    return hosts
