"""Check what no single key can tell: names that refer to others, and keys that contradict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from provisioning.agent.secret_names import CERTAIN, PASSWORD_IN_URL
from provisioning.inventory.inventory import runs_on
from provisioning.inventory.models.app import App
from provisioning.inventory.models.app_servers import APP_SERVERS
from provisioning.inventory.models.host import Host
from provisioning.inventory.models.processes import LOG_FILES_TIMER
from provisioning.inventory.models.runtimes import RUNTIMES
from provisioning.inventory.models.web_servers import WEB_SERVERS
from provisioning.inventory.reading.media_checks import media_mistakes
from provisioning.inventory.reading.problems import Mistake
from provisioning.inventory.reading.runtime_checks import brings_a_server, runtime_mistakes
from provisioning.inventory.reading.site_checks import site_mistakes
from provisioning.inventory.reading.web_server_checks import web_server_mistakes
from provisioning.inventory.suggest import did_you_mean

# Set by Homeport itself for every release.
_SET_FOR_BUILDS = frozenset(
    {"HOME", "PATH", "LANG", "LC_ALL", "SSL_CERT_FILE", "PIP_CACHE_DIR", "UV_CACHE_DIR",
     "UV_LINK_MODE", "UV_NO_PROGRESS", "UV_PROJECT_ENVIRONMENT", "UV_PYTHON_DOWNLOADS"}
)  # fmt: skip
"""As in provisioning/agent/resources/virtualenv.py."""

_RESERVED = "HOMEPORT_"
_DAY_S = 86400


def host_mistakes(hosts: Mapping[str, Host], own_roles: Path) -> Iterator[Mistake]:
    """Yield mistakes between hosts that are valid on their own.

    Args:
        hosts: Hosts that are right in themselves.
        own_roles: Folder of the person's own roles.
    """
    roles = {path.stem for path in own_roles.glob("*.py")}
    addresses: dict[tuple[str, int | None], str] = {}
    for host in hosts.values():
        here = ("hosts", host.name)
        first = addresses.setdefault((host.address, host.port), host.name)
        if first != host.name:
            yield Mistake(
                (*here, "address"), f"is also the address of the host {first}: {host.address}"
            )
        for index, group in enumerate(host.groups):
            if group in hosts:
                yield Mistake(
                    (*here, "groups", index), f'"{group}" is a host; a group needs another name'
                )
        for index, role in enumerate(host.roles):
            if role not in roles:
                yield Mistake(
                    (*here, "roles", index),
                    f'there is no role "{role}" and no roles/{role}.py next to the fabfile'
                    + did_you_mean(role, roles),
                )


def app_mistakes(
    apps: Mapping[str, App], hosts: Mapping[str, Host], names: frozenset[str]
) -> Iterator[Mistake]:
    """Yield mistakes of apps that depend on the hosts or on other apps.

    Args:
        apps: Apps that are right in themselves.
        hosts: Hosts that are right in themselves.
        names: All names of hosts and groups, also of hosts with mistakes.
    """
    for app in apps.values():
        here = ("apps", app.name)
        for index, name in enumerate(app.hosts):
            if name not in names:
                yield Mistake(
                    (*here, "hosts", index),
                    f'there is no host or group "{name}"{did_you_mean(name, names)}',
                )
        if not app.hosts and "hosts" in app.model_fields_set:
            yield Mistake((*here, "hosts"), "the app runs on no host")
        for key, given, rows in (
            ("runtime", app.runtime, RUNTIMES),
            ("server", app.server, APP_SERVERS),
            ("web_server", app.web_server, WEB_SERVERS),
        ):
            if given not in rows:
                yield Mistake((*here, key), f'there is no "{given}"{did_you_mean(given, rows)}')
        if not brings_a_server(app):
            yield from _server_mistakes(app)
        yield from runtime_mistakes(app)
        yield from web_server_mistakes(app, apps, hosts)
        yield from _name_mistakes(app, hosts)
        yield from _environment_mistakes(app)
        yield from _folder_mistakes(app)
        yield from _log_file_mistakes(app)
        yield from media_mistakes(app)
        yield from _hsts_mistakes(app)
        yield from _migration_mistakes(app)
        yield from _hook_mistakes(app)
        if app.migrate_first and not app.migrate:
            yield Mistake((*here, "migrate_first"), "has no effect without migrate")
        for index, group in enumerate(app.groups):
            if group in apps:
                yield Mistake(
                    (*here, "groups", index),
                    f'"{group}" is an app, whose code and secrets its group reads'
                    if group != app.name
                    else "is the app's own group already",
                )
        yield from _placement_mistakes(app, hosts, names)
    yield from site_mistakes(apps, hosts)


def _server_mistakes(app: App) -> Iterator[Mistake]:
    """Yield what keeps an app server from running an app, or has no effect there."""
    here = ("apps", app.name)
    if app.asgi is None and app.wsgi is None:
        yield Mistake(
            here,
            'wsgi or asgi is missing: what to serve, such as wsgi = "app:app" for Flask or asgi = '
            '"app:app" for FastAPI',
        )
    elif app.asgi is not None and app.wsgi is not None:
        yield Mistake(
            (*here, "asgi"),
            "wsgi is there too; remove the one that the app does not speak: it is served by one "
            "of them",
        )
    elif app.server in APP_SERVERS and app.interface not in APP_SERVERS[app.server].interfaces:
        able = [name for name in APP_SERVERS if app.interface in APP_SERVERS[name].interfaces]
        ways = " or ".join(f'server = "{name}"' for name in able)
        yield Mistake(
            (*here, app.interface),
            f"{app.server} runs no {app.interface.upper()} apps; use {ways}",
        )
    elif app.settings:
        for path, text in app.settings.contradictions(app.model_fields_set, app.interface):
            yield Mistake((*here, *path), text)


def _name_mistakes(app: App, hosts: Mapping[str, Host]) -> Iterator[Mistake]:
    """Yield that an app has the name of an account by which a person logs in."""
    for host in hosts.values():
        if host.user == app.name:
            yield Mistake(
                ("apps", app.name),
                f"is also the user who logs in to {host.name}: an app runs as a user with the "
                f"app's name; rename it, for instance to [apps.{app.name}-app]",
            )
            return


def _environment_mistakes(app: App) -> Iterator[Mistake]:
    here = ("apps", app.name)
    for name, value in app.env.items():
        if name in app.secrets:
            yield Mistake((*here, "env", name), "is also among the secrets; remove one of them")
        elif value and (CERTAIN.search(name) or PASSWORD_IN_URL.search(value)):
            yield Mistake(
                (*here, "env", name),
                "looks like a secret, which must not be in the inventory in plain text; move it "
                f"to [apps.{app.name}.secrets] and write where it comes from",
            )
        if "\0" in value:
            yield Mistake((*here, "env", name), "must not contain a NUL character")
    for name in app.build_secrets:
        if name in _SET_FOR_BUILDS or name.lower().endswith("_proxy"):
            yield Mistake((*here, "build_secrets", name), "is set by Homeport for each build")
        if name == "UV_PYTHON_DOWNLOADS_JSON_URL":
            yield Mistake(
                (*here, "build_secrets", name), "has no effect: name the file in python_downloads"
            )
    yield from _python_mistakes(app)
    for table in ("env", "secrets"):
        for name in getattr(app, table):
            if name.startswith(_RESERVED):
                yield Mistake((*here, table, name), f"names with {_RESERVED} are set by Homeport")


def _python_mistakes(app: App) -> Iterator[Mistake]:
    here = ("apps", app.name)
    for key in ("python_mirror", "python_downloads"):
        if getattr(app, key) and not app.python_version and not brings_a_server(app):
            yield Mistake((*here, key), 'has no effect without a version: python = "3.12"')
    if app.python_mirror and app.python_downloads:
        yield Mistake(
            (*here, "python_mirror"),
            "has no effect with python_downloads, which says where each Python is; remove one",
        )


def _folder_mistakes(app: App) -> Iterator[Mistake]:
    for key in ("shared", "shared_files"):
        for index, inner in enumerate(getattr(app, key)):
            here = ("apps", app.name, key, index)
            for outer in app.all_shared:
                if inner.startswith(f"{outer}/"):
                    yield Mistake(here, f'"{inner}" is already within "{outer}"')
            if key == "shared_files" and inner in app.shared:
                yield Mistake(here, f'"{inner}" is in `shared` too; remove one of them')
    for url, folder in app.static.items():
        for outer in app.shared:
            if f"{folder}/".startswith(f"{outer}/"):
                yield Mistake(
                    ("apps", app.name, "static", url),
                    f'"{folder}" is shared: the app writes there, and static files belong to a '
                    "release; use `media` for what the app writes",
                )


def _log_file_mistakes(app: App) -> Iterator[Mistake]:
    here = ("apps", app.name)
    for index, path in enumerate(app.log_files):
        if not any(path.startswith(f"{folder}/") for folder in app.shared):
            yield Mistake(
                (*here, "log_files", index),
                f'"{path}" is in no folder of `shared`: the app cannot write there',
            )
    for key in ("log_files_max", "log_files_kept"):
        if key in app.model_fields_set and not app.log_files:
            yield Mistake((*here, key), "has no effect without log_files")
    if app.log_files and LOG_FILES_TIMER in app.timers:
        yield Mistake(
            (*here, "timers", LOG_FILES_TIMER), "is the name of the timer that log_files makes"
        )


def _hsts_mistakes(app: App) -> Iterator[Mistake]:
    seconds = app.hsts.seconds if app.hsts else 0
    # Source: https://hstspreload.org/#submission-requirements
    if app.hsts_preload and (not app.hsts_subdomains or seconds < 365 * _DAY_S):
        yield Mistake(
            ("apps", app.name, "hsts_preload"),
            'needs hsts_subdomains = true and hsts of at least "365d"',
        )


def _migration_mistakes(app: App) -> Iterator[Mistake]:
    if app.migrate_state and not app.migrate:
        yield Mistake(
            ("apps", app.name, "migrate_state"),
            "has no effect without migrate, which it is asked before and after",
        )


def _hook_mistakes(app: App) -> Iterator[Mistake]:
    for index, hook in enumerate(app.hooks):
        if hook.at in ("before-migrate", "after-migrate") and not app.migrate:
            yield Mistake(("apps", app.name, "hooks", index), f"{hook.at}: there is no migrate")


def _placement_mistakes(
    app: App, hosts: Mapping[str, Host], names: frozenset[str]
) -> Iterator[Mistake]:
    """Yield hosts of processes and timers on which these would never run."""
    own = [host for host in hosts.values() if runs_on(app, host)]
    here = {name for host in own for name in (host.name, *host.groups)}
    for table in ("processes", "timers"):
        for name, placed in getattr(app, table).items():
            for index, place in enumerate(placed.hosts):
                path = ("apps", app.name, table, name, "hosts", index)
                if place not in names:
                    yield Mistake(
                        path, f'there is no host or group "{place}"{did_you_mean(place, names)}'
                    )
                elif place not in here:
                    yield Mistake(path, f'the app does not run on "{place}"')
