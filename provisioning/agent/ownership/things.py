"""Look at a thing on the host: what is there, and whether Homeport made it."""

from __future__ import annotations

import os
import re
from typing import Callable, Mapping

from provisioning.agent import layout
from provisioning.agent.apps.runtimes import RUNTIMES
from provisioning.agent.claims import CERTIFICATE, GROUP, PACKAGE, PATH, UNIT, USER, Claim, thing_id
from provisioning.agent.debian.certbot import Lineage
from provisioning.agent.layout import APPS, AppLayout
from provisioning.agent.machine import dpkg
from provisioning.agent.machine.system import DIRECTORY, FILE, LINK, System

MARK_WITHIN_BYTES = 512

RESERVED = (
    "/etc/homeport",
    "/etc/nginx/homeport",
    "/opt/homeport",
    layout.STATE,
    layout.BACKUPS,
    layout.BORROWED_PYTHON,
    layout.ACME_WEBROOT,
    "/var/cache/homeport",
    layout.RUNTIME,
    layout.SOCKETS,
    *layout.BUILDS,
)
"""Directories with Homeport's name: their content belongs to Homeport."""


def is_there(system: System, claim: Claim) -> bool:
    """Return whether there is such a thing; cheap, for every run asks it."""
    kind, name = claim.kind, claim.name
    if kind == PATH:
        return system.stat(name) is not None
    if kind == UNIT:
        return system.unit(name).load != "not-found"
    return bool(_DESCRIBE[kind](system, name))


def describe(system: System, claim: Claim) -> str:
    """Return in words what is there of a thing, "" if nothing is."""
    return _DESCRIBE[claim.kind](system, claim.name)


def is_foreign(claim: Claim, system: System) -> bool:
    """Return whether a thing is there that no Homeport made, so far as can be seen."""
    return (
        not system.owned.has(claim.id)
        and is_there(system, claim)
        and not is_recognised(system, claim)
    )


def is_recognised(system: System, claim: Claim) -> bool:
    """Return whether what is there shows that Homeport made it, also an earlier one.

    Hosts that an earlier Homeport set up have no record; and a record may be lost.
    """
    return _RECOGNISE[claim.kind](system, claim.name)


def has_mark(system: System, path: str) -> bool:
    """Return whether a file says that Homeport made it."""
    found = system.stat(path)
    if found is None or found.type != FILE:
        return False
    return layout.MARK in system.read(path)[:MARK_WITHIN_BYTES]


def is_known(system: System, path: str) -> bool:
    """Return whether the record has a path, or the file there says that Homeport made it."""
    return system.owned.has(thing_id(PATH, path)) or has_mark(system, path)


def is_app_of_ours(system: System, app: str) -> bool:
    """Return whether files that only Homeport writes say that an app is its own."""
    paths = AppLayout(app)
    return any(
        has_mark(system, path)
        for path in (
            f"{layout.UNIT_FILES}/{paths.boot_unit}",
            f"{layout.UNIT_FILES}/{paths.earlier_template}",
            paths.tmpfiles,
            paths.earlier_tmpfiles,
        )
    ) or _is_half_made(system, app)


def _is_half_made(system: System, app: str) -> bool:
    """Return whether an earlier Homeport was cut off right after it began with an app.

    It made the account first, then the directories, all of them empty until the first deploy.
    """
    account, paths = system.user(app), AppLayout(app)
    if account is None or (account.home, account.shell) != ("/nonexistent", "/usr/sbin/nologin"):
        return False
    made = {os.path.basename(each) for each in (
        paths.releases, paths.env, paths.static, paths.shared, paths.home)}  # fmt: skip
    made |= {kind.folder for kind in RUNTIMES}
    names = set(system.list(paths.root))
    return names <= made and not any(system.list(os.path.join(paths.root, each)) for each in names)


def _describe_path(system: System, path: str) -> str:
    found = system.stat(path)
    if found is None:
        return ""
    rights = f"{found.owner}:{found.group} {found.mode}"
    if found.type == LINK:
        return f"a link to {found.target}"
    if found.type == DIRECTORY:
        count = len(system.list(path))
        return f"a directory with {count} {'entry' if count == 1 else 'entries'}, {rights}"
    if found.type == FILE:
        return f"a file of {found.size:,} bytes, {rights}{_package_of(system, path)}"
    return f"a socket, pipe or device, {rights}"


def _package_of(system: System, path: str) -> str:
    found = system.run(["dpkg-query", "--search", path])
    package = found.stdout.partition(":")[0]
    return f", of the package {package}" if found.status == 0 and package else ""


def _describe_user(system: System, name: str) -> str:
    account = system.user(name)
    if account is None:
        return ""
    groups = f", groups {', '.join(account.groups)}" if account.groups else ""
    return f"an account, number {account.id}, home {account.home}, shell {account.shell}{groups}"


def _describe_group(system: System, name: str) -> str:
    group = system.group(name)
    return f"a group, number {group.id}" if group else ""


def _describe_package(system: System, name: str) -> str:
    version = system.packages().get(name)
    return f"version {version}, installed" if version is not None else ""


def _describe_certificate(system: System, name: str) -> str:
    path = Lineage(name).renewal
    return f"a certbot certificate, renewed by {path}" if system.stat(path) else ""


def _describe_unit(system: System, name: str) -> str:
    unit = system.unit(name)
    if unit.load == "not-found":
        return ""
    enabled = f", {unit.enabled}" if unit.enabled else ""
    return f"a systemd unit, now {unit.active}{enabled}"


def _recognise_unit(system: System, name: str) -> bool:
    """Return whether Homeport wrote this unit, or managed it: it remembers what the unit loaded."""
    # An instance may have dots in its name; what follows the last one is the type.
    template = re.sub(r"@.*\.", "@.", name)
    files = [f"{layout.UNIT_FILES}/{each}" for each in (name, template)]
    if any(is_known(system, each) for each in files):
        return True
    return system.memory.knows(f"service:{name.removesuffix('.service')}")


def _recognise_path(system: System, path: str) -> bool:
    if any(path == each or path.startswith(each + "/") for each in RESERVED):
        return True
    top, _, rest = path[1:].partition("/")
    if f"/{top}" == APPS and rest:
        return is_app_of_ours(system, rest.split("/")[0])
    found = system.stat(path)
    if found is None or found.type != FILE:
        # Every run comes here with directories that it found as they should be.
        return False
    # What a package brought, and nobody has changed, has nothing of a person's in it.
    return has_mark(system, path) or dpkg.is_as_packaged(system, path)


def _recognise_user(system: System, name: str) -> bool:
    account = system.user(name)
    if account is None:
        return False
    if name == layout.BUILDER or account.comment == app_comment(name):
        return True
    return account.home == "/nonexistent" and is_app_of_ours(system, name)


def app_comment(app: str) -> str:
    """Return the comment of an app's account in passwd(5), by which Homeport recognises it."""
    return f"Homeport app {app}"


def _recognise_certificate(system: System, name: str) -> bool:
    return layout.ACME_WEBROOT in system.read(Lineage(name).renewal).decode(errors="replace")


def _never(system: System, name: str) -> bool:
    return False


_DESCRIBE: Mapping[str, Callable[[System, str], str]] = {
    PATH: _describe_path,
    USER: _describe_user,
    GROUP: _describe_group,
    PACKAGE: _describe_package,
    CERTIFICATE: _describe_certificate,
    UNIT: _describe_unit,
}
_RECOGNISE: Mapping[str, Callable[[System, str], bool]] = {
    PATH: _recognise_path,
    USER: _recognise_user,
    GROUP: _recognise_user,
    PACKAGE: _never,
    CERTIFICATE: _recognise_certificate,
    UNIT: _recognise_unit,
}
