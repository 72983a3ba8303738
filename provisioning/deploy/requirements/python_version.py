"""The Python that requirements need, held against what each host has, before anything is built."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from provisioning.errors import ConfigurationError, DeployRefusedError

if TYPE_CHECKING:
    from provisioning.agent.facts import Facts
    from provisioning.deploy.requirements import Requirements
    from provisioning.inventory.models.app import App

DEBIANS = {"11": "3.9", "12": "3.11", "13": "3.13"}
"""Debian's release -> the Python that it has. Source: packages.debian.org, package python3."""

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
        if (version := python_of(app, each)) and not specifiers.contains(version, prereleases=True)
    }
    if refused:
        raise DeployRefusedError(
            f"cannot deploy {app.name} to {', '.join(refused)}: the requirements do not allow the "
            "Python there",
            hint=_way_out(list(wanted.values())),
            output="\n".join(refused.values()),
        )


def python_of(app: App, facts: Facts) -> str:
    """Return the version of Python that an app's virtualenv gets on a host; "" if unknown.

    Args:
        app: The app, whose `python` may name another one than Debian's own.
        facts: Of the host.
    """
    name = PurePosixPath(app.python).name
    if app.python in ("python3", "/usr/bin/python3"):
        return facts.python
    found = NAMED.fullmatch(name)
    # The host's own may be meant: its last number counts too.
    is_debians = found and facts.python.startswith(f"{found[1]}.")
    return facts.python if is_debians else found[1] if found else ""


def _has(app: App, facts: Facts) -> str:
    debian = f"Debian {facts.debian}, " if facts.debian else ""
    return f"{debian}Python {python_of(app, facts)} ({app.python})"


def _way_out(wanted: list[SpecifierSet]) -> str:
    suits = [
        f"Debian {debian} has Python {version}"
        for debian, version in DEBIANS.items()
        # Which last number a host has is its own business: that of an early one and a late one.
        if all(each.contains(f"{version}.0") or each.contains(f"{version}.99") for each in wanted)
    ]
    which = f"use a host with {' or '.join(suits)}" if suits else "no Debian has such a Python"
    return (
        f"{which}; or install such a Python on the hosts and name it as the app's `python`; or "
        "lock the project anew for the Python of these hosts"
    )


def _wanted(requirements: Requirements) -> Iterator[tuple[str, SpecifierSet]]:
    """Yield the files that say which Python they need, and what they say.

    Source: the PyPA's specifications of pyproject.toml and pylock.toml; uv's "Lockfile".
    """
    for name, content in requirements.files.items():
        if not name.endswith((".toml", ".lock")):
            continue
        table = tomllib.loads(content.decode())
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
