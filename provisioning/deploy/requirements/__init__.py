"""An app's requirements: what is installed for a release, and what of it travels to the host.

reading.py         its files
choice.py          what of them is installed: the keys of the inventory
lines.py           the text of requirements files
local.py           packages of the app's own source
uv_lock.py         uv.lock
projects.py        what a project says of itself: extras, groups, whether it is a package
sources.py         what others could replace on its way
python_version.py  the Python that they need, held against each host's
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from provisioning.deploy.requirements.choice import WITHOUT_CHOICE, Choice
from provisioning.deploy.requirements.lines import is_toml
from provisioning.deploy.requirements.local import (
    ARCHIVE,
    FOLDER,
    LINKS,
    LocalPackages,
    Place,
    lines_of_places,
    local_packages,
    places_of_pylock,
)
from provisioning.deploy.requirements.projects import PYPROJECT, is_package, must_know, uv_settings
from provisioning.deploy.requirements.reading import read_file, read_files
from provisioning.deploy.requirements.sources import refuse_plain_sources, unhashed
from provisioning.deploy.requirements.uv_lock import UvLock
from provisioning.errors import ConfigurationError


@dataclass(frozen=True)
class Requirements:
    """All that a virtualenv is made from, besides its Python.

    Args:
        listing: Which of the files to begin with.
        files: Path below the source -> content of the listing and of what it includes.
        choice: What of it is installed.
        local: Packages of the app's own source.
        elsewhere: Names of packages that do not come from the default index.
        lists_everything: Nothing is installed that they do not name: they have hashes, but for
            packages of the source, and what those need would come unseen.
    """

    listing: str
    files: Mapping[str, bytes] = field(repr=False)
    choice: Choice = WITHOUT_CHOICE
    local: LocalPackages = field(default_factory=LocalPackages)
    elsewhere: tuple[str, ...] = ()
    lists_everything: bool = False

    @property
    def require_hashes(self) -> bool:
        """Whether uv is to refuse what has no hash, as it does then with packages of the source."""
        return _has_hashes(self.files) and not self.lists_everything

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
    files = read_files(source, listing)
    lock = UvLock.parse(listing, files[listing]) if kind == "uv.lock" else None
    if lock:
        files |= _members(source, lock)
    refuse_plain_sources(source, files)
    _must_be_hashed(source, listing, files)
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
        lists_everything=_has_hashes(files) and _has_local_lines(files),
    )


def _has_hashes(files: Mapping[str, bytes]) -> bool:
    return b"--hash=" in b"".join(files.values())


def _has_local_lines(files: Mapping[str, bytes]) -> bool:
    """Return whether a line names a package of the source without its hash."""
    places = (
        (place, line)
        for name, content in files.items()
        if not is_toml(name)
        for place, line in lines_of_places(name, content.decode())
    )
    return any(place.kind != LINKS and "--hash" not in line for place, line in places)


def _must_be_hashed(source: Path, listing: str, files: Mapping[str, bytes]) -> None:
    """Refuse requirements without a hash where the others have one and uv cannot see to it."""
    names = unhashed(files)
    if names and _has_hashes(files) and _has_local_lines(files):
        raise ConfigurationError(
            f"{source / listing} has hashes, but none of {', '.join(names)}",
            hint="`uv export --format requirements.txt` and `uv pip compile --generate-hashes` "
            "write a hash for each",
        )


def _members(source: Path, lock: UvLock) -> dict[str, bytes]:
    """Return what the members of a workspace say of themselves: path -> content."""
    paths = (PurePosixPath(folder) / PYPROJECT for folder in lock.projects.values())
    return {path.as_posix(): read_file(source, path) for path in paths}


def _places(files: Mapping[str, bytes]) -> Iterator[Place]:
    for name, content in files.items():
        if not is_toml(name):
            yield from (place for place, _ in lines_of_places(name, content.decode()))
        elif PurePosixPath(name).name.startswith("pylock."):
            yield from places_of_pylock(name, _toml(content))


def _toml(content: bytes) -> dict[str, Any]:
    return tomllib.loads(content.decode())
