"""An app's requirements: what is installed for a release, and what of it travels to the host.

choice.py          what of them is installed: the keys of the inventory
lines.py           the text of requirements files
local.py           packages of the app's own source
uv_lock.py         uv.lock
projects.py        what a project says of itself: extras, groups, whether it is a package
sources.py         what others could replace on its way
python_version.py  the Python that they need, held against each host's
"""

from __future__ import annotations

import posixpath
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from provisioning.deploy.requirements.choice import WITHOUT_CHOICE, Choice
from provisioning.deploy.requirements.lines import as_uv_reads_it, is_toml
from provisioning.deploy.requirements.local import (
    ARCHIVE,
    FOLDER,
    LocalPackages,
    Place,
    local_packages,
    places_of_lines,
    places_of_pylock,
)
from provisioning.deploy.requirements.projects import (
    PYPROJECT,
    UV_SETTINGS,
    is_package,
    must_know,
    uv_settings,
)
from provisioning.deploy.requirements.sources import refuse_plain_sources
from provisioning.deploy.requirements.uv_lock import UvLock
from provisioning.errors import ConfigurationError

INCLUDE = re.compile(
    r"^[ \t]*(?:-[rc][ \t]*|--(?:requirement|constraint)[ \t=]+)([^\s=]\S*)", re.MULTILINE
)
"""Source: pip's "Requirements File Format"."""

UNREADABLE = {
    "poetry.lock": "poetry export --format requirements.txt --output requirements.txt",
    "Pipfile.lock": "pipenv requirements --hash > requirements.txt",
    "Pipfile": "pipenv lock && pipenv requirements --hash > requirements.txt",
    "pdm.lock": "pdm export --format requirements --output requirements.txt",
    "environment.yml": "pip freeze > requirements.txt",
}
"""Files of other tools, which uv does not read -> how these tools write one that it reads.
Sources: the documentation of poetry-plugin-export, Pipenv and PDM."""


@dataclass(frozen=True)
class Requirements:
    """All that a virtualenv is made from, besides its Python.

    Args:
        listing: Which of the files to begin with.
        files: Path below the source -> content of the listing and of what it includes.
        choice: What of it is installed.
        local: Packages of the app's own source.
        elsewhere: Names of packages that do not come from the default index.
    """

    listing: str
    files: Mapping[str, bytes] = field(repr=False)
    choice: Choice = WITHOUT_CHOICE
    local: LocalPackages = field(default_factory=LocalPackages)
    elsewhere: tuple[str, ...] = ()

    @property
    def has_hashes(self) -> bool:
        """Whether they contain hashes."""
        return b"--hash=" in b"".join(self.files.values())

    @property
    def is_uv_lock(self) -> bool:
        """Whether they are a uv.lock."""
        return PurePosixPath(self.listing).name == "uv.lock"

    @property
    def installs_project(self) -> bool:
        """Whether the project beside the listing is installed, where that can have one."""
        is_project = PurePosixPath(self.listing).name == PYPROJECT
        is_one = is_package(self.files[self.listing]) if is_project else True
        return self.choice.install_project and is_one


def read_requirements(source: Path, listing: str, choice: Choice = WITHOUT_CHOICE) -> Requirements:
    """Read a lock file and whatever it includes.

    Args:
        source: The app's folder.
        listing: The lock file, relative to it.
        choice: What of it is installed.

    Raises:
        ConfigurationError: one is not there, wants what is on this machine alone, or what comes
            unencrypted and without a hash; or a choice is none of the project's.
    """
    kind = PurePosixPath(listing).name
    if kind in UNREADABLE:
        raise ConfigurationError(
            f"cannot install {source / listing}: uv does not read files of this kind",
            hint=f"`{UNREADABLE[kind]}` writes one that it reads: name that as the app's "
            "`requirements`; or move the project to uv (`uv lock`)",
        )
    files = _read_all(source, listing)
    lock = UvLock.parse(listing, files[listing]) if kind == "uv.lock" else None
    if lock:
        files |= _members(source, lock)
    refuse_plain_sources(source, files)
    must_know(listing, files, choice, lock)
    places = list(_places(files))
    settings = uv_settings(listing, files)
    if lock:
        shown = f"{listing}: "
        folders = lock.folders(choice.member, install_project=choice.install_project)
        places += [Place(FOLDER, each, shown + each) for each in folders]
        places += [Place(ARCHIVE, each, shown + each) for each in lock.archives(choice.member)]
    elif kind == PYPROJECT and choice.install_project and is_package(files[listing]):
        places.append(Place(FOLDER, PurePosixPath(listing).parent.as_posix(), listing))
    return Requirements(
        listing,
        files,
        choice,
        local_packages(source, places),
        lock.elsewhere(settings) if lock else (),
    )


def _read_all(source: Path, listing: str) -> dict[str, bytes]:
    """Return the listing and what it includes: path below the source -> content."""
    found: dict[str, bytes] = {}
    wanted = [PurePosixPath(listing)]
    if PurePosixPath(listing).name == "uv.lock":
        wanted.append(PurePosixPath(listing).with_name(PYPROJECT))
    settings = PurePosixPath(listing).with_name(UV_SETTINGS)
    wanted += [settings] if (source / settings).is_file() else []
    while wanted:
        path = PurePosixPath(posixpath.normpath(wanted.pop()))
        if path.as_posix() in found:
            continue
        content = _read(source, path)
        if is_toml(path.name):
            _must_be_toml(source / path, content)
        else:
            content = as_uv_reads_it(source / path, content)
            included = INCLUDE.findall(content.decode())
            wanted += [path.parent / each for each in included if "://" not in each]
        found[path.as_posix()] = content
    return found


def _read(source: Path, path: PurePosixPath) -> bytes:
    if path.is_absolute() or ".." in path.parts:
        raise ConfigurationError(
            f"cannot use the requirements {path}: they are outside {source}",
            hint="move them below the app's `source`",
        )
    try:
        return (source / path).read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"cannot read the requirements {source / path}: {error.strerror}",
            hint="correct the app's `requirements`, or write the file: `pip freeze > "
            "requirements.txt` is a start",
        ) from None


def _must_be_toml(path: Path, content: bytes) -> None:
    try:
        tomllib.loads(content.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"cannot read the requirements {path}: {error}") from None


def _members(source: Path, lock: UvLock) -> dict[str, bytes]:
    """Return what the members of a workspace say of themselves: path -> content."""
    paths = (PurePosixPath(folder) / PYPROJECT for folder in lock.projects.values())
    return {path.as_posix(): _read(source, path) for path in paths}


def _places(files: Mapping[str, bytes]) -> Iterator[Place]:
    for name, content in files.items():
        if not is_toml(name):
            yield from places_of_lines(name, content.decode())
        elif PurePosixPath(name).name.startswith("pylock."):
            yield from places_of_pylock(name, _toml(content))


def _toml(content: bytes) -> dict[str, Any]:
    return tomllib.loads(content.decode())
