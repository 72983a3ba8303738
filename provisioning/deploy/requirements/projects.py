"""What a Python project says of itself in its pyproject.toml.

Sources: the PyPA's "pyproject.toml specification" and "Dependency Groups"; uv's "Settings" and
"Configuring projects".
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from provisioning.deploy.requirements.lines import normalised
from provisioning.errors import ConfigurationError
from provisioning.inventory.suggest import did_you_mean

if TYPE_CHECKING:
    from provisioning.deploy.requirements.choice import Choice
    from provisioning.deploy.requirements.uv_lock import UvLock

PYPROJECT = "pyproject.toml"
UV_SETTINGS = "uv.toml"
"""uv's settings of a project. Where it is there, uv leaves out [tool.uv]."""


def is_package(content: bytes) -> bool:
    """Return whether a project is installed itself, as uv decides it."""
    project = tomllib.loads(content.decode())
    said = project.get("tool", {}).get("uv", {}).get("package")
    return bool(said) if said is not None else "build-system" in project


def uv_settings(listing: str, files: Mapping[str, bytes]) -> list[Mapping[str, Any]]:
    """Return uv's settings beside a lock file, as in [tool.uv] and in uv.toml."""
    there = {
        name: tomllib.loads(files[path].decode())
        for name in (PYPROJECT, UV_SETTINGS)
        if (path := PurePosixPath(listing).with_name(name).as_posix()) in files
    }
    project = there.get(PYPROJECT, {}).get("tool", {}).get("uv", {})
    return [project, there.get(UV_SETTINGS, {})]


def must_know(
    listing: str, files: Mapping[str, bytes], choice: Choice, lock: UvLock | None
) -> None:
    """Refuse extras, groups and members that the requirements do not have.

    Args:
        listing: Which of the files to begin with.
        files: Path -> content.
        choice: What the inventory names.
        lock: The listing, if it is a uv.lock.

    Raises:
        ConfigurationError: there is one.
    """
    if choice.member and not lock:
        raise ConfigurationError(
            f"`workspace_member` has no effect: {listing} is no uv.lock",
            hint="remove it, or set the app's `requirements` to the workspace's uv.lock",
        )
    if not choice.install_project and not lock and PurePosixPath(listing).name != PYPROJECT:
        raise ConfigurationError(
            f"`install_project` has no effect: {listing} does not name the project itself",
            hint="remove it; a requirements file installs the project where it has a line `.`",
        )
    describing = [each for each in _described(listing, lock, choice.member) if each in files]
    if not describing and (choice.extras or choice.groups):
        raise ConfigurationError(
            f"`extras` and `dependency_groups` have no effect: {listing} has neither",
            hint="remove them, or set the app's `requirements` to uv.lock, pylock.toml or "
            "pyproject.toml",
        )
    known = [_offers(tomllib.loads(files[name].decode())) for name in describing]
    where = " and ".join(dict.fromkeys(describing))
    _refuse_unknown(where, "extra", choice.extras, [each for some, _ in known for each in some])
    groups = [each for _, some in known for each in some]
    _refuse_unknown(where, "dependency group", choice.groups, groups)


def _described(listing: str, lock: UvLock | None, member: str) -> list[str]:
    """Return the files that say which extras and groups there are."""
    if lock:
        projects, wanted = lock.projects, lock.wanted(member)
        root = PurePosixPath(listing).with_name(PYPROJECT).as_posix()
        return [root, *((PurePosixPath(projects[name]) / PYPROJECT).as_posix() for name in wanted)]
    return [listing] if listing.endswith(".toml") else []


def _offers(project: Mapping[str, Any]) -> tuple[set[str], set[str]]:
    """Return the extras and the groups of a pyproject.toml or pylock.toml."""
    if "lock-version" in project:
        return set(project.get("extras", ())), set(project.get("dependency-groups", ()))
    extras = set(project.get("project", {}).get("optional-dependencies", {}))
    groups = set(project.get("dependency-groups", {}))
    if "dev-dependencies" in project.get("tool", {}).get("uv", {}):
        groups.add("dev")
    return extras, groups


def _refuse_unknown(where: str, what: str, named: Iterable[str], known: Iterable[str]) -> None:
    same = {normalised(each): each for each in known}
    for each in named:
        if normalised(each) not in same:
            raise ConfigurationError(
                f"{where} has no {what} {each}{did_you_mean(each, same.values())}",
                hint="correct the app's `extras` and `dependency_groups`, or remove it there",
            )
