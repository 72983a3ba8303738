"""The inventory of one environment, as a value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from provisioning.errors import ConfigurationError
from provisioning.inventory.suggest import did_you_mean

if TYPE_CHECKING:
    from provisioning.inventory.models.app import App
    from provisioning.inventory.models.host import Host, Ssh
    from provisioning.inventory.models.processes import Placed
    from provisioning.inventory.models.tls import Tls


def runs_on(app: App, host: Host) -> bool:
    """Tell whether an app runs on a host: named itself, by a group, or because no host is."""
    return not app.hosts or host.name in app.hosts or not set(app.hosts).isdisjoint(host.groups)


def _is_at(placed: Placed, name: str, own: Sequence[Host]) -> bool:
    """Tell whether something of an app runs on a host, which may be one that only has an address.

    Args:
        placed: It.
        name: Of the host.
        own: The app's hosts, in the inventory's order.
    """
    chosen = [
        host.name
        for host in own
        if not placed.hosts
        or host.name in placed.hosts
        or not set(placed.hosts).isdisjoint(host.groups)
    ]
    if placed.once:
        return chosen[:1] == [name]
    return name in chosen or (not placed.hosts and all(host.name != name for host in own))


@dataclass(frozen=True)
class Inventory:
    """What `inventory/<environment>.toml` says.

    Args:
        environment: Name of the environment, such as "production".
        path: The file; relative paths in it are relative to its folder.
        hosts: Hosts by name, in the file's order.
        apps: Apps by name, in the file's order.
        tls: Where certificates come from.
        ssh: How hosts are reached.
        project: What tells this project from others on the same host.
    """

    environment: str
    path: Path
    hosts: Mapping[str, Host]
    apps: Mapping[str, App]
    tls: Tls
    ssh: Ssh
    project: str = "project"
    groups: Mapping[str, tuple[str, ...]] = field(init=False)
    """Names of the hosts of each group."""

    def __post_init__(self) -> None:
        groups: dict[str, list[str]] = {}
        for host in self.hosts.values():
            for group in host.groups:
                groups.setdefault(group, []).append(host.name)
        members = {group: tuple(names) for group, names in groups.items()}
        object.__setattr__(self, "groups", members)

    @property
    def owner(self) -> str:
        """Whose things are on a host: those of this project's environment."""
        return f"{self.project}/{self.environment}"

    def select(self, limit: Sequence[str] = ()) -> tuple[Host, ...]:
        """Return the hosts that are named, in the inventory's order.

        Args:
            limit: Names of hosts or groups, or addresses; several may stand in one text,
                with commas between. Empty: all hosts.

        Raises:
            ConfigurationError: A name is unknown.
        """
        names = [name.strip() for text in limit for name in text.split(",") if name.strip()]
        if not names:
            return tuple(self.hosts.values())
        chosen: set[str] = set()
        unknown: list[str] = []
        for name in names:
            found = self._named(name)
            chosen.update(found)
            if not found:
                unknown.append(f"{name}: no such host or group{did_you_mean(name, self._names())}")
        if unknown:
            raise ConfigurationError(
                f"cannot select hosts of the environment {self.environment}",
                output="\n".join(unknown),
            )
        return tuple(host for host in self.hosts.values() if host.name in chosen)

    def apps_on(self, host: Host) -> tuple[App, ...]:
        """Return the apps that run on a host, in the inventory's order.

        A host that is not in the inventory gets the apps that run on all hosts.
        """
        return tuple(app for app in self.apps.values() if runs_on(app, host))

    def hosts_of(self, app: App) -> tuple[Host, ...]:
        """Return the hosts that an app runs on, in the inventory's order."""
        return tuple(host for host in self.hosts.values() if runs_on(app, host))

    def app_on(self, app: App, name: str) -> App:
        """Return an app as one of its hosts has it: with the processes and timers that run there.

        Args:
            app: The app.
            name: Of the host.
        """
        own = self.hosts_of(app)
        return app.model_copy(
            update={
                key: {name_: each for name_, each in table.items() if _is_at(each, name, own)}
                for key, table in (("processes", app.processes), ("timers", app.timers))
            }
        )

    def local_path(self, text: str) -> Path:
        """Return the path on the operator's machine that a text of the inventory means."""
        return (self.path.parent / Path(text).expanduser()).resolve()

    def source_of(self, app: App) -> Path:
        """Return an app's folder.

        Raises:
            ConfigurationError: There is no such folder on this machine.
        """
        path = self.local_path(app.source)
        if not path.is_dir():
            what = "it is a file" if path.exists() else "there is no such folder"
            raise ConfigurationError(
                f"cannot read the source of the app {app.name}: {path}: {what}",
                hint=f"correct apps.{app.name}.source in {self.path}; it is relative to that file",
            )
        return path

    def url_of(self, app: App) -> str:
        """Return where visitors find an app."""
        return f"{'https' if self.tls.https else 'http'}://{app.domains[0]}{app.prefix}"

    def with_acme_directory(self, url: str) -> Inventory:
        """Return the same inventory with the ACME directory at this URL.

        So the lab puts its own authority in where `directory_url = "lab"` asks for it.
        """
        return replace(self, tls=self.tls.model_copy(update={"directory_url": url}))

    def with_hosts(self, hosts: Mapping[str, Host]) -> Inventory:
        """Return the same inventory with other hosts, such as those that the lab has started."""
        return replace(self, hosts=dict(hosts))

    def _named(self, name: str) -> tuple[str, ...]:
        if name in self.hosts:
            return (name,)
        if name in self.groups:
            return self.groups[name]
        return tuple(host.name for host in self.hosts.values() if host.address == name)

    def _names(self) -> set[str]:
        return {*self.hosts, *self.groups}
