"""Packages that requirements name by a path: in the app's source, they travel with the release."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from provisioning.deploy.requirements.lines import logical_lines
from provisioning.errors import ConfigurationError

ARCHIVES = (".whl", ".tar.gz", ".zip", ".tar.bz2", ".tar.xz", ".tgz")
"""What uv installs from a file. Source: the PyPA's "Source distribution format" and "Binary
distribution format"; uv's "Requirements file"."""

EDITABLE = re.compile(r"^(?:-e[ \t]*|--editable[ \t=]+)(.+)$")
FIND_LINKS = re.compile(r"^(?:-f[ \t]*|--find-links[ \t=]+)[\"']?([^\"'\s]+)")
DIRECT = re.compile(r"^[A-Za-z0-9][\w.-]*[ \t]*(?:\[[^\]]*\])?[ \t]*@[ \t]*(\S+)")
"""Sources: pip's "Requirements File Format", PEP 508."""

FILE_URL = re.compile(r"file:(?://(?:localhost)?(?=/))?", re.IGNORECASE)
"""Source: RFC 8089."""

FOLDER, ARCHIVE, LINKS = "folder", "archive", "links"


@dataclass(frozen=True)
class Place:
    """A path that requirements name.

    Args:
        kind: `FOLDER` or `ARCHIVE` of a package, or a folder of archives: `LINKS`.
        path: Relative to the app's source, as it is written otherwise.
        shown: Where it stands, for a person.
    """

    kind: str
    path: str
    shown: str


@dataclass(frozen=True)
class LocalPackages:
    """What of the source is installed as packages.

    Args:
        folders: Of packages, relative to the source; "." is all of it.
        archives: Path below the source -> content of wheels and other archives.
    """

    folders: tuple[str, ...] = ()
    archives: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    def holds(self, path: str) -> bool:
        """Return whether a file of the source belongs to one of the folders."""
        return any(each == "." or path.startswith(f"{each}/") for each in self.folders)


def local_packages(source: Path, places: Iterable[Place]) -> LocalPackages:
    """Find the packages of the source that requirements name.

    Args:
        source: The app's folder.
        places: What the requirements name.

    Raises:
        ConfigurationError: they name what is not below the source, or not there.
    """
    places = list(places)
    refused = [f"{each.shown} ({why})" for each in places if (why := _unusable(source, each))]
    if refused:
        raise ConfigurationError(
            f"cannot install what the requirements of {source} name by a path",
            hint="make `source` the folder that holds the app and these packages, and write paths "
            "relative to it; or install the packages from an index or a URL",
            output="\n".join(refused),
        )
    archives = {path: (source / path).read_bytes() for each in places
                for path in _archives(source, each)}  # fmt: skip
    folders = {each.path for each in places if each.kind == FOLDER}
    return LocalPackages(tuple(sorted(folders)), archives)


def _unusable(source: Path, place: Place) -> str:
    path = PurePosixPath(place.path)
    if path.is_absolute():
        return "an absolute path of this machine"
    if ".." in path.parts:
        return "outside of the app's source"
    full = source / path
    if not (full.is_file() if place.kind == ARCHIVE else full.is_dir()):
        return f"there is no such {'file' if place.kind == ARCHIVE else 'folder'}"
    return ""


def _archives(source: Path, place: Place) -> Iterator[str]:
    if place.kind == ARCHIVE:
        yield place.path
    elif place.kind == LINKS:
        for found in sorted((source / place.path).iterdir()):
            if found.name.endswith(ARCHIVES):
                yield found.relative_to(source).as_posix()


def lines_of_places(name: str, text: str) -> Iterator[tuple[Place, str]]:
    """Yield what the lines of a requirements file name, and these lines.

    Args:
        name: The file, below the app's source.
        text: What is in it.
    """
    for number, line in logical_lines(text):
        found = place_of_line(name, line)
        if found:
            yield Place(*found, shown=f"{name}, line {number}: {line}"), line


def places_of_pylock(name: str, lock: Mapping[str, Any]) -> Iterator[Place]:
    """Yield what the packages of a pylock.toml name.

    Source: the PyPA's "pylock.toml Specification": a URL that is there comes before a path.

    Args:
        name: The file, below the app's source.
        lock: What is in it.
    """
    folder = PurePosixPath(name).parent
    for each in lock.get("packages", ()):
        named = [(FOLDER, each["directory"])] if "directory" in each else []
        files = (*each.get("wheels", ()), each.get("archive"), each.get("sdist"))
        named += [(ARCHIVE, place) for place in files if place]
        for kind, place in named:
            where = str(place.get("url") or place.get("path", ""))
            if "url" not in place or where.startswith("file:"):
                path = posixpath.normpath(folder / where.removeprefix("file://"))
                yield Place(kind, path, f"{name}: {each.get('name', '?')}: {where}")


def place_of_line(name: str, line: str) -> tuple[str, str] | None:
    """Return kind and path of what a line names. Source: uv's "Requirements file"; tried.

    Packages are relative to the folder in which uv runs, the source; folders of archives to the
    file that names them.
    """
    if found := FIND_LINKS.match(line):
        place = found[1].removeprefix("file:")
        return (
            None
            if "://" in place
            else (LINKS, posixpath.normpath(PurePosixPath(name).parent / place))
        )
    if editable := EDITABLE.match(line):
        return _package(editable[1], is_path=True)
    if direct := DIRECT.match(line):
        return _package(direct[1], is_path=True)
    return None if line.startswith("-") else _package(line, is_path=False)


def _package(text: str, *, is_path: bool) -> tuple[str, str] | None:
    """Return kind and path of a package.

    Args:
        text: What a line says, with extras, markers and hashes behind it.
        is_path: Whether a single word is a path too, and no name of a distribution.
    """
    word = re.split(r"[ \t;\[#]", text, maxsplit=1)[0]
    if FILE_URL.match(word):
        word, is_path = FILE_URL.sub("", word), True
    elif "://" in word:
        return None
    if word.endswith(ARCHIVES):
        return ARCHIVE, posixpath.normpath(word)
    if is_path or "/" in word or word in (".", ".."):
        return FOLDER, posixpath.normpath(word)
    return None
