"""Check that web servers can do what an inventory asks of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from provisioning.inventory.inventory import runs_on
from provisioning.inventory.models.app import App
from provisioning.inventory.models.host import Host
from provisioning.inventory.models.web_servers import WEB_SERVERS
from provisioning.inventory.reading.problems import Mistake
from provisioning.inventory.types.headers import DEFAULTS, OFF

_BY_DEFAULT = frozenset(name.lower() for name in DEFAULTS)


def web_server_mistakes(
    app: App, apps: Mapping[str, App], hosts: Mapping[str, Host]
) -> Iterator[Mistake]:
    """Yield what an app's web server cannot do, and hosts on which it would meet another one.

    Args:
        app: One of the apps.
        apps: Apps that are right in themselves.
        hosts: Hosts that are right in themselves.
    """
    if app.web_server not in WEB_SERVERS:
        return
    for key, why in WEB_SERVERS[app.web_server].refuses.items():
        # What is off or empty asks for nothing.
        if key in app.model_fields_set and getattr(app, key):
            yield Mistake(("apps", app.name, key), why)
    yield from _header_mistakes(app)
    for other in apps.values():
        if other.name == app.name:
            return
        shared = [h.name for h in hosts.values() if runs_on(app, h) and runs_on(other, h)]
        if shared and other.web_server != app.web_server:
            # Where a person wrote one of the two.
            written, like = (app, other) if "web_server" in app.model_fields_set else (other, app)
            yield Mistake(
                ("apps", written.name, "web_server"),
                f"is {written.web_server}, and that of {like.name} is {like.web_server}: all apps "
                f"on {' and '.join(shared)} must have the same web server",
            )
            return


def _header_mistakes(app: App) -> Iterator[Mistake]:
    """Yield headers that mean nothing, or that the web server cannot switch off."""
    can = WEB_SERVERS[app.web_server].headers_off
    for key in ("headers", "static_headers"):
        given: Mapping[str, str] = getattr(app, key)
        names = [name.lower() for name in given]
        for name, value in given.items():
            where = ("apps", app.name, key, name)
            if names.count(name.lower()) > 1:
                yield Mistake(where, "stands there twice, in other letters")
            elif value == OFF and name.lower() not in _BY_DEFAULT:
                yield Mistake(where, "has no effect: Homeport sets no such header")
            elif value == OFF and not can:
                yield Mistake(
                    where, f"cannot be switched off with {app.web_server}: give it another value"
                )
