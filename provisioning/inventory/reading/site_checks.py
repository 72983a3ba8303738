"""Check that the names and paths under which apps are reached lead to one of them each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from provisioning.inventory.inventory import runs_on
from provisioning.inventory.models.app import App
from provisioning.inventory.models.host import Host
from provisioning.inventory.reading.problems import Mistake
from provisioning.inventory.reading.toml_lines import KeyPath

OF_THE_SITE = (
    "domains",
    "redirect",
    "web_server",
    "trusted_proxies",
    "hsts",
    "hsts_subdomains",
    "hsts_preload",
    "client_ca",
    "client_verify",
)
"""Keys in which apps that share a domain must agree: they are about all that is served there."""


def named_at(app: App) -> Iterator[tuple[KeyPath, str]]:
    """Yield the names that lead to an app's site, each with its place in the inventory."""
    for key, names in (("domains", app.domains), ("redirect", app.redirect)):
        for index, name in enumerate(names):
            yield ("apps", app.name, key, index), name


def site_mistakes(apps: Mapping[str, App], hosts: Mapping[str, Host]) -> Iterator[Mistake]:
    """Yield what is wrong with names and paths.

    Args:
        apps: Apps that are right in themselves.
        hosts: Hosts that are right in themselves.
    """
    before: list[App] = []
    for app in apps.values():
        yield from _redirect_mistakes(app)
        yield from _password_mistakes(app)
        yield from _client_mistakes(app)
        yield from _path_mistakes(app)
        for other in before:
            both = [h.name for h in hosts.values() if runs_on(app, h) and runs_on(other, h)]
            shared = [(place, name) for place, name in named_at(app) if name in other.names]
            if both and _probed_alike(app, other):
                yield Mistake(
                    ("apps", app.name, "health_any_host"),
                    f"{app.at(app.health)} is also that of {other.name} on {' and '.join(both)}: "
                    "under any name only one app can answer there; change `health` of one",
                )
            if both and shared:
                yield from _between(app, other, shared, " and ".join(both))
        before.append(app)


def _probed_alike(app: App, other: App) -> bool:
    """Return whether two apps on a host want to answer the same probes."""
    is_any = app.health_any_host and other.health_any_host
    return is_any and app.at(app.health) == other.at(other.health)


def _redirect_mistakes(app: App) -> Iterator[Mistake]:
    here = ("apps", app.name, "redirect")
    for index, name in enumerate(app.redirect):
        if name in app.domains:
            yield Mistake((*here, index), f"{name} is also among the domains; remove one of them")
    if app.redirect and app.domains[0].startswith("*."):
        yield Mistake(
            here,
            f"leads to the first of the domains, and {app.domains[0]} is a wildcard; put the "
            "name first to which the others are to lead",
        )


def _password_mistakes(app: App) -> Iterator[Mistake]:
    here = ("apps", app.name, "basic_auth")
    if app.basic_auth and app.health == "/":
        yield Mistake(
            here,
            'the health path is asked without a password, and health = "/" is the home page; give '
            "the app a health path of its own",
        )
    for index, path in enumerate(app.basic_auth_except):
        place = ("apps", app.name, "basic_auth_except", index)
        if not app.basic_auth:
            yield Mistake(place, "has no effect without basic_auth")
        elif path == "/":
            yield Mistake(place, "would except the whole app; remove basic_auth instead")
        elif path == app.health:
            yield Mistake(place, "the health path asks for no password anyway")


def _path_mistakes(app: App) -> Iterator[Mistake]:
    """Yield paths at which a key has no effect."""
    for index, path in enumerate(app.dot_paths):
        if "/." not in path:
            yield Mistake(
                ("apps", app.name, "dot_paths", index),
                "has no effect: no part of it begins with a dot",
            )
    if app.health_any_host and not app.health_from:
        yield Mistake(
            ("apps", app.name, "health_any_host"),
            "has no effect without health_from, which says whom it is for",
        )
    for path in app.limits:
        if path.startswith((*app.static, *app.media)):
            yield Mistake(
                ("apps", app.name, "limits", path),
                "has no effect: it is a file that the web server serves itself, without a rate",
            )


def _client_mistakes(app: App) -> Iterator[Mistake]:
    here = ("apps", app.name)
    if "client_verify" in app.model_fields_set and not app.client_ca:
        yield Mistake((*here, "client_verify"), "has no effect without client_ca")
    if app.client_ca and app.client_verify == "required" and app.health == "/":
        yield Mistake(
            (*here, "client_ca"),
            'the health path is asked without a certificate, and health = "/" is the home page; '
            "give the app a health path of its own",
        )


def _between(
    app: App, other: App, shared: list[tuple[KeyPath, str]], where: str
) -> Iterator[Mistake]:
    """Yield what keeps two apps from sharing names on hosts."""
    if app.prefix == other.prefix:
        for place, name in shared:
            yield Mistake(
                place,
                f"{name} belongs to the app {other.name} on {where} already; apps may share their "
                'domains if each has a prefix of its own, such as prefix = "/shop/"',
            )
        return
    for key in OF_THE_SITE:
        if getattr(app, key) != getattr(other, key):
            yield Mistake(
                ("apps", app.name, key) if key in app.model_fields_set else ("apps", app.name),
                f"{key} differs from that of {other.name}, with which it shares {shared[0][1]} on "
                f"{where}: it applies to the whole site, so write the same in both",
            )
    for one, another in ((app, other), (other, app)):
        for url, media in one.media.items():
            if media.internal and one.prefix == "/":
                yield Mistake(
                    ("apps", one.name, "media", url),
                    f"cannot be internal, since {another.name} is below the same domain and could "
                    "send visitors there; give the app a domain of its own",
                )
        yield from _hidden_folders(one, another)


def _hidden_folders(app: App, other: App) -> Iterator[Mistake]:
    """Yield folders of an app that lie in another app's part of the site."""
    for key, url in (
        *(("static", url) for url in app.static),
        *(("media", url) for url in app.media),
    ):
        if other.prefix.startswith(app.prefix) and app.at(url).startswith(other.prefix):
            yield Mistake(
                ("apps", app.name, key, url),
                f"{app.at(url)} belongs to the app {other.name}, whose prefix is {other.prefix}",
            )
