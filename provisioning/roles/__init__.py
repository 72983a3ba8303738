"""Desired state: pure functions from a host and its facts to a list of resources.

The order of the list is the order on the host.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath

from provisioning.agent import layout
from provisioning.agent.facts import Facts
from provisioning.errors import ConfigurationError
from provisioning.inventory.inventory import Inventory
from provisioning.inventory.models.app import App
from provisioning.inventory.models.host import Host
from provisioning.inventory.suggest import did_you_mean
from provisioning.resources import (
    AppliedSettings,
    Directory,
    Neighbours,
    OtherApps,
    Port,
    Resource,
    UnusedPythons,
)
from provisioning.roles.app import app_resources, media_folders
from provisioning.roles.app_servers import app_server
from provisioning.roles.app_servers.units import upstream, web_units
from provisioning.roles.applied import settings_to_apply, waiting
from provisioning.roles.base import base
from provisioning.roles.given import read_given
from provisioning.roles.loading import (
    GivenCertificate,
    Role,
    load_own_roles,
    read_given_certificate,
    resources_of,
)
from provisioning.roles.log_files import log_settings, timers_of
from provisioning.roles.peers import peers
from provisioning.roles.processes import process_units
from provisioning.roles.recovery import put_in_order, put_in_order_before
from provisioning.roles.runtimes import INSTALLED
from provisioning.roles.sandbox import sandbox_properties
from provisioning.roles.site import Given, sites
from provisioning.roles.web import web
from provisioning.roles.web_servers import web_server

ROLES: Mapping[str, Role] = {"base": base}
"""Every host has these, in this order."""

__all__ = [
    "ROLES",
    "Compiled",
    "GivenCertificate",
    "Role",
    "app_server",
    "compile_host",
    "load_own_roles",
    "media_folders",
    "put_in_order_before",
    "read_given",
    "read_given_certificate",
    "release_settings",
    "release_units",
    "sandbox_properties",
    "settings_to_apply",
    "timers_of",
    "waiting",
    "web_server",
    "web_server_units",
]


@dataclass(frozen=True)
class Compiled:
    """Everything that a host should have.

    Args:
        resources: In order.
        roles: Id of a resource -> the role that made it.
    """

    resources: Sequence[Resource]
    roles: Mapping[str, str]


def release_units(app: App, facts: Facts, release_id: str) -> dict[str, str]:
    """Return the unit files of a release: name -> text.

    Args:
        app: The app.
        facts: Of the host that the release is for.
        release_id: The release's id.
    """
    return {
        **web_units(app, facts, release_id),
        **process_units(app, facts, release_id),
    }


def release_settings(app: App, facts: Facts, release_id: str) -> dict[str, str]:
    """Return the files of a release that its app server and others read: path below it -> text.

    Args:
        app: The app.
        facts: Of the host that the release is for.
        release_id: The release's id.
    """
    return {**app_server(app.served_by).files(app, facts, release_id), **log_settings(app)}


def web_server_units(inventory: Inventory, host: Host) -> tuple[str, ...]:
    """Return the units of the web servers that a host should have.

    Args:
        inventory: The environment.
        host: One of its hosts.
    """
    return tuple(dict.fromkeys(web_server(app.web_server).UNIT for app in inventory.apps_on(host)))


def compile_host(
    inventory: Inventory,
    host: Host,
    facts: Facts,
    own_roles: Mapping[str, Role] | None = None,
    *,
    given_certificate: GivenCertificate | None = None,
    given: Mapping[str, Given] | None = None,
) -> Compiled:
    """Return everything that a host should have, in order.

    Args:
        inventory: The environment.
        host: One of its hosts, or one that was named by its address only.
        facts: Of that host.
        own_roles: The person's own, by name: see `load_own_roles`.
        given_certificate: See `read_given_certificate`.
        given: See `read_given`; None where nothing is to be sent to a host.

    Raises:
        ConfigurationError: What the inventory asks for cannot be on this host.
    """
    made: list[tuple[str, Resource]] = []

    def add(role: str, resources: Iterable[Resource]) -> None:
        made.extend((role, resource) for resource in resources)

    for name, role in ROLES.items():
        add(name, role(host, facts))
    apps = inventory.apps_on(host)
    add("app", [OtherApps(tuple(app.name for app in apps)), UnusedPythons("all")])
    if apps:
        # Before whatever is put there: what a check says is then what a run does.
        add("app", [Directory(str(PurePosixPath(layout.CERTBOT).parent))])
    for name in sorted({app.runtime for app in apps}):
        add(name, [INSTALLED[name]()])
    for app in apps:
        add("app", app_resources(app, web_server(app.web_server).UNIT))
    for name in dict.fromkeys(app.web_server for app in apps):
        made_sites = sites(
            apps,
            inventory.tls,
            upstream=upstream,
            peers=partial(peers, inventory, host),
            given=given or {},
        )
        add(name, web(name, made_sites, inventory.tls, facts, given_certificate))
    for name in host.roles:
        add(name, resources_of(name, _own(name, own_roles or {}), host, facts))
    for app in apps:
        add("app", put_in_order(app))
        add("app", [AppliedSettings(app.name, settings_to_apply(inventory, app))])
    # What only a person can put right is found out before anything is changed.
    made.sort(key=lambda each: not isinstance(each[1], (Port, Neighbours)))
    return Compiled(
        [resource for _, resource in made], {resource.id: role for role, resource in made}
    )


def _own(name: str, own_roles: Mapping[str, Role]) -> Role:
    if name not in own_roles:
        raise ConfigurationError(
            f"cannot use the role {name}: there is no roles/{name}.py next to the fabfile"
            + did_you_mean(name, own_roles)
        )
    return own_roles[name]
