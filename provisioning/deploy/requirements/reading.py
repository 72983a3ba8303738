"""The files of an app's requirements: the lock file, and what it includes."""

from __future__ import annotations

import posixpath
import re
import tomllib
from pathlib import Path, PurePosixPath

from provisioning.deploy.requirements.lines import as_uv_reads_it, is_toml
from provisioning.deploy.requirements.projects import PYPROJECT, UV_SETTINGS
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


def read_files(source: Path, listing: str) -> dict[str, bytes]:
    """Read a lock file and what it includes: path below the source -> content.

    Args:
        source: The app's folder.
        listing: The lock file, relative to it.

    Raises:
        ConfigurationError: one is not there or cannot be read, or uv knows nothing of its kind.
    """
    _must_be_known(source, listing)
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
        content = read_file(source, path)
        if is_toml(path.name):
            _must_be_toml(source / path, content)
        else:
            content = as_uv_reads_it(source / path, content)
            included = INCLUDE.findall(content.decode())
            wanted += [path.parent / each for each in included if "://" not in each]
        found[path.as_posix()] = content
    return found


def read_file(source: Path, path: PurePosixPath) -> bytes:
    """Return what is in a file of the requirements.

    Args:
        source: The app's folder.
        path: Relative to it.

    Raises:
        ConfigurationError: it is not there, or outside of the source.
    """
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


def _must_be_known(source: Path, listing: str) -> None:
    kind = PurePosixPath(listing).name
    if kind in UNREADABLE:
        raise ConfigurationError(
            f"cannot install {source / listing}: uv does not read files of this kind",
            hint=f"`{UNREADABLE[kind]}` writes one that it reads: name that as the app's "
            "`requirements`; or move the project to uv (`uv lock`)",
        )
