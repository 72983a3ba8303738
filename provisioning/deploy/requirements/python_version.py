"""The Python that requirements need, held against what each host has, before anything is built."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from provisioning.deploy.requirements import Requirements
from provisioning.errors import ConfigurationError, DeployRefusedError

if TYPE_CHECKING:
    from provisioning.agent.facts import Facts
    from provisioning.inventory import Inventory
    from provisioning.inventory.models.app import App
    from provisioning.inventory.models.host import Host

DEBIANS = {"11": "3.9", "12": "3.11", "13": "3.13"}
"""Debian's release -> the Python that it has. Source: packages.debian.org, package python3."""

PYTHONS = tuple(f"3.{minor}" for minor in range(9, 15))
"""Those that an app may be told to take: uv has each of them. Source: `uv python list`."""

NAMED = re.compile(r"python(3\.\d+)")


def must_suit(requirements: Requirements, app: App, facts: Mapping[str, Facts]) -> None:
    """Refuse hosts whose Python is not one that the requirements allow.

    Args:
        requirements: The app's.
        app: The app.
        facts: Host -> its facts.

    Raises:
        ConfigurationError: a file's `requires-python` is not one.
        DeployRefusedError: there is such a host; it names each, and what would do.
    """
    wanted = dict(_wanted(requirements))
    refused = {
        host: f"{host}: {_has(app, each)}, and {name} requires Python {specifiers}"
        for host, each in facts.items()
        for name, specifiers in wanted.items()
        if (version := python_of(app, each)) and not _contains(specifiers, version)
    }
    if refused:
        first = facts[next(iter(refused))]
        raise DeployRefusedError(
            f"cannot deploy {app.name} to {', '.join(refused)}: the requirements do not allow the "
            "Python there",
            hint=_way_out(list(wanted.values()), python_of(app, first)),
            output="\n".join(refused.values()),
        )


def must_suit_host(inventory: Inventory, host: Host, facts: Facts) -> None:
    """Refuse a host whose Python is not one that its apps' requirements allow.

    Of requirements that are not there, as before a hook has written them, nothing is known yet.

    Args:
        inventory: The environment.
        host: One of its hosts.
        facts: Of that host.

    Raises:
        ConfigurationError: a file's `requires-python` is not one.
        DeployRefusedError: it names the app, and what would do.
    """
    for app in inventory.apps_on(host):
        path = inventory.local_path(app.source) / app.lock_file
        if app.lock_file.endswith((".toml", ".lock")) and path.is_file():
            content = {app.lock_file: path.read_bytes()}
            must_suit(Requirements(app.lock_file, content), app, {host.name: facts})


def python_of(app: App, facts: Facts) -> str:
    """Return the version of Python that an app's virtualenv gets on a host; "" if unknown.

    Args:
        app: The app, whose `python` may name another one than Debian's own.
        facts: Of the host.
    """
    if app.python_version:
        return facts.python if is_debians(app, facts) else app.python_version
    name = PurePosixPath(app.python).name
    if app.python in ("python3", "/usr/bin/python3"):
        return facts.python
    found = NAMED.fullmatch(name)
    # The host's own may be meant: its last number counts too.
    same = found and facts.python.startswith(f"{found[1]}.")
    return facts.python if same else found[1] if found else ""


def is_debians(app: App, facts: Facts) -> bool:
    """Return whether the version that an app asks for is that of the host's own Python."""
    return f"{facts.python}.".startswith(f"{app.python_version}.")


def _has(app: App, facts: Facts) -> str:
    debian = f"Debian {facts.debian}, " if facts.debian else ""
    return f"{debian}Python {python_of(app, facts)} ({app.python})"


def _contains(specifiers: SpecifierSet, version: str) -> bool:
    """Return whether a version is allowed; of "3.12", whose last number is open, any of them."""
    if version.count(".") >= 2:
        return specifiers.contains(version, prereleases=True)
    return any(specifiers.contains(f"{version}.{last}") for last in (0, 99))


def _way_out(wanted: list[SpecifierSet], version: str) -> str:
    suits = [each for each in PYTHONS if all(_contains(every, each) for every in wanted)]
    has = [
        f"Debian {debian} has Python {each}" for debian, each in DEBIANS.items() if each in suits
    ]
    which = f", or use a host with {' or '.join(has)}" if has else ""
    if not suits:
        return (
            "lock the project anew for the Python of these hosts: no other one that uv has will do"
        )
    here = int(version.split(".")[1])
    nearest = min(suits, key=lambda each: abs(int(each.split(".")[1]) - here))
    return (
        f'set python = "{nearest}" for the app: uv downloads it where Debian does not have it'
        f"{which}; or lock the project anew for the Python of these hosts"
    )


def _wanted(requirements: Requirements) -> Iterator[tuple[str, SpecifierSet]]:
    """Yield the files that say which Python they need, and what they say.

    Source: the PyPA's specifications of pyproject.toml and pylock.toml; uv's "Lockfile".
    """
    for name, content in requirements.files.items():
        if not name.endswith((".toml", ".lock")):
            continue
        try:
            table = tomllib.loads(content.decode())
        except ValueError as error:
            raise ConfigurationError(f"cannot read {name}: {error}") from None
        said = table.get("requires-python") or table.get("project", {}).get("requires-python")
        if not said:
            continue
        try:
            yield name, SpecifierSet(str(said))
        except InvalidSpecifier:
            raise ConfigurationError(
                f"{name} says requires-python = {said!r}, which is no version specifier",
                hint='correct it: ">=3.11" is one',
            ) from None
