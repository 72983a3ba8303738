"""uv.lock: its projects, what of the source they are, and where else their packages come from.

Source: uv's "Lockfile" and "Workspaces"; what uv 0.13 writes.
"""

from __future__ import annotations

import posixpath
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from provisioning.deploy.requirements.lines import normalised
from provisioning.errors import ConfigurationError

PROJECT_KINDS = ("editable", "virtual")
"""How the lock file calls members of its workspace: with a build backend, and without one."""

FOLDER_KINDS = ("editable", "directory")
"""Of a package's source: what is built from a folder."""

INDEX_KEYS = ("index", "extra-index-url", "find-links")
"""Settings of uv that name indexes besides the default one."""


@dataclass(frozen=True)
class UvLock:
    """A lock file, and the folder that it is in.

    Args:
        path: Below the app's source.
        packages: Its entries.
    """

    path: PurePosixPath
    packages: tuple[Mapping[str, Any], ...]

    @classmethod
    def parse(cls, path: str, content: bytes) -> UvLock:
        """Read a lock file that is TOML."""
        lock = tomllib.loads(content.decode())
        return cls(PurePosixPath(path), tuple(lock.get("package", ())))

    def place(self, package: Mapping[str, Any], kinds: Iterable[str]) -> str:
        """Return the path of a package below the app's source, "" if it is of no such kind."""
        where = package.get("source", {})
        found = next((str(where[kind]) for kind in kinds if kind in where), "")
        return posixpath.normpath(self.path.parent / found) if found else ""

    @property
    def projects(self) -> dict[str, str]:
        """The members of its workspace: name -> folder below the app's source."""
        found = ((each["name"], self.place(each, PROJECT_KINDS)) for each in self.packages)
        return {name: folder for name, folder in found if folder}

    def wanted(self, member: str) -> list[str]:
        """Return the names of the projects that are asked for.

        Args:
            member: The app's; "" for the project at the lock file, or, where there is none,
                for all members.

        Raises:
            ConfigurationError: there is no such member.
        """
        projects = self.projects
        if member:
            if normalised(member) not in projects:
                raise ConfigurationError(
                    f"{self.path} has no workspace member {member}",
                    hint="correct the app's `workspace_member`; the members are "
                    + ", ".join(sorted(projects)),
                )
            return [normalised(member)]
        here = self.path.parent.as_posix()
        return [name for name, folder in projects.items() if folder == here] or list(projects)

    def reached(self, member: str) -> Iterator[Mapping[str, Any]]:
        """Yield the packages that may be installed, extras and groups included.

        Args:
            member: As of `wanted`.
        """
        by_name: dict[str, list[Mapping[str, Any]]] = {}
        for each in self.packages:
            by_name.setdefault(each["name"], []).append(each)
        names, seen = self.wanted(member), set[str]()
        while names:
            name = names.pop()
            if name in seen:
                continue
            seen.add(name)
            for package in by_name.get(name, ()):
                yield package
                names += _dependencies(package)

    def folders(self, member: str, *, install_project: bool) -> list[str]:
        """Return the folders of packages that are built from the app's source.

        Args:
            member: As of `wanted`.
            install_project: Whether the projects that are asked for are installed themselves.
        """
        left_out = () if install_project else self.wanted(member)
        places = (self.place(each, FOLDER_KINDS) for each in self.reached(member)
                  if each["name"] not in left_out)  # fmt: skip
        return sorted({each for each in places if each})

    def archives(self, member: str) -> list[str]:
        """Return the paths of packages that are files of the app's source.

        Args:
            member: As of `wanted`.
        """
        found = set[str]()
        for package in self.reached(member):
            found.add(self.place(package, ("path",)))
            registry = PurePosixPath(self.place(package, ("registry",)))
            files = (*package.get("wheels", ()), package.get("sdist", {}))
            found |= {posixpath.normpath(registry / each["path"]) for each in files
                      if "path" in each}  # fmt: skip
        return sorted(found - {""})

    def elsewhere(self, settings: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
        """Return the names of packages that do not come from the default index.

        Args:
            settings: Of uv, as in [tool.uv] and in uv.toml.
        """
        named = {url for each in settings for url in _indexes(each)}
        registries = {
            str(each["name"]): each.get("source", {}).get("registry", "").rstrip("/")
            for each in self.packages
        }
        return tuple(
            sorted(name for name, url in registries.items() if "://" not in url or url in named)
        )


def _dependencies(package: Mapping[str, Any]) -> Iterator[str]:
    tables = (package.get("optional-dependencies", {}), package.get("dev-dependencies", {}))
    lists = [
        package.get("dependencies", ()),
        *(each for table in tables for each in table.values()),
    ]
    yield from (str(each["name"]) for some in lists for each in some)


def _indexes(settings: Mapping[str, Any]) -> Iterator[str]:
    """Yield the URLs of indexes that are not the default one."""
    for key in INDEX_KEYS:
        for each in settings.get(key, ()):
            if isinstance(each, str):
                yield each.rstrip("/")
            elif isinstance(each, Mapping) and not each.get("default"):
                yield str(each.get("url", "")).rstrip("/")
