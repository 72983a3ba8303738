"""Maintenance: visitors get a page instead of the app, a few get the app all the same."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator

from provisioning.agent.layout import AppLayout
from provisioning.errors import ConfigurationError
from provisioning.render import render
from provisioning.resources import (
    Absent,
    File,
    Resource,
    Service,
)
from provisioning.roles.web_servers.nginx import WORKERS

LOOPBACK = ("127.0.0.0/8", "::1/128")
"""The host itself: it asks for its site after each deploy."""


def networks(text: str) -> tuple[str, ...]:
    """Return the networks that a list names: "203.0.113.7, 2001:db8::/48".

    Raises:
        ConfigurationError: One of them is none.
    """
    found = []
    for each in filter(None, (part.strip() for part in text.split(","))):
        try:
            found.append(str(ipaddress.ip_network(each, strict=False)))
        except ValueError:
            raise ConfigurationError(
                f"--allow: {each} is neither an address nor a network",
                hint="such as 203.0.113.7 or 2001:db8::/48, with commas between",
            ) from None
    return tuple(dict.fromkeys(found))


def begin(app: str, allowed: Iterable[str]) -> Iterator[Resource]:
    """Yield what turns visitors away, except those of networks.

    Both stand in one file, so that one reload of the web server makes both true at once.
    """
    text = render(
        "nginx/maintenance.conf.j2", app=app, networks=dict.fromkeys((*LOOPBACK, *allowed))
    )
    yield from _with_reload(app, File(AppLayout(app).maintenance, text))


def end(app: str) -> Iterator[Resource]:
    """Yield what lets visitors in again."""
    yield from _with_reload(app, Absent(AppLayout(app).maintenance))


def _with_reload(app: str, file: Resource) -> Iterator[Resource]:
    yield file
    # What is taken back of this service before the file changes makes sure of the reload,
    # also when a run is cut off between the two.
    yield Service("nginx", reload_on=(file,), workers=WORKERS, label=f"nginx-maintenance-{app}")
