"""An app's requirements: the lock file, what it includes, and lines that no host can install."""

from __future__ import annotations

import posixpath
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from provisioning.deploy.requirement_sources import refuse_plain_sources
from provisioning.errors import ConfigurationError

INCLUDE = re.compile(
    r"^[ \t]*(?:-[rc][ \t]*|--(?:requirement|constraint)[ \t=]+)([^\s=]\S*)", re.MULTILINE
)
"""Source: pip's "Requirements File Format"."""

LOCAL = re.compile(
    r"""^[ \t]*(?:
        (?:-e|--editable)\b.*              # what pip freeze writes of a package under development
      | [^\s\#]+[ \t]*@[ \t]*file:.*      # name @ file:///...
      | file:.*
      | (?!-)(?:[^\s:\[\#]*/|\.{1,2}(?=[\[\s]|$)).*         # ./folder, ../folder, a/b.whl, .
      | (?!-)[^\s:/]+\.(?:whl|zip|tar\.gz)(?:[ \t].*)?
    )$""",
    re.MULTILINE | re.VERBOSE,
)
"""Lines that name something on this machine. Source: as above, and PEP 508."""

KINDS = ("archive", "sdist", "vcs")
"""Tables of a package in pylock.toml that say where it comes from, besides wheels."""


def read_requirements(source: Path, listing: str) -> dict[str, bytes]:
    """Read a lock file and whatever it includes.

    Args:
        source: The app's folder.
        listing: The lock file, relative to it.

    Returns:
        Path relative to the source -> content.

    Raises:
        ConfigurationError: one is not there, wants what is on this machine alone, or what comes
            unencrypted and without a hash.
    """
    found: dict[str, bytes] = {}
    wanted = [PurePosixPath(listing)]
    if PurePosixPath(listing).name == "uv.lock":
        wanted.append(PurePosixPath(listing).with_name("pyproject.toml"))
    while wanted:
        path = PurePosixPath(posixpath.normpath(wanted.pop()))
        if path.as_posix() in found:
            continue
        if path.is_absolute() or ".." in path.parts:
            raise ConfigurationError(
                f"cannot use the requirements {path}: they are outside {source}",
                hint="move them below the app's `source`",
            )
        try:
            content = (source / path).read_bytes()
        except OSError as error:
            raise ConfigurationError(
                f"cannot read the requirements {source / path}: {error.strerror}",
                hint="correct the app's `requirements`, or write the file: `pip freeze > "
                "requirements.txt` is a start",
            ) from None
        found[path.as_posix()] = content
        text = content.decode("utf-8", "replace")
        _refuse_local(source / path, text)
        if path.suffix not in (".lock", ".toml"):
            wanted += [path.parent / each for each in INCLUDE.findall(text) if "://" not in each]
    refuse_plain_sources(source, found)
    return found


def _refuse_local(path: Path, text: str) -> None:
    if path.suffix in (".lock", ".toml"):
        local = list(_local_packages(path, text))
    else:
        local = [f"line {_line(text, each)}: {each[0].strip()}" for each in LOCAL.finditer(text)]
    if local:
        raise ConfigurationError(
            f"cannot install what {path} names: it is on this machine only",
            hint="remove it if it is the app itself, which is deployed and imported as it is; "
            "other packages must come from an index or a URL",
            output="\n".join(local),
        )


def _line(text: str, found: re.Match[str]) -> int:
    return text.count("\n", 0, found.start()) + 1


def _local_packages(path: Path, text: str) -> Iterator[str]:
    """Name the packages of a lock file that come from a folder or a file.

    Source: the PyPA's "pylock.toml Specification"; uv's "Lockfile": the project itself is
    at ".", and is left out when the lock file is exported.
    """
    try:
        lock: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"cannot read the requirements {path}: {error}") from None
    for each in lock.get("packages", ()):
        places = (*each.get("wheels", ()), *(each.get(kind, {}) for kind in KINDS))
        urls = [str(place.get("url", "file:")) for place in places if place]
        if "directory" in each or any(url.startswith("file:") for url in urls):
            yield str(each.get("name", "?"))
    for each in lock.get("package", ()):
        where = each.get("source", {})
        folders = [where[kind] for kind in ("editable", "directory", "path") if kind in where]
        if any(folder != "." for folder in folders):
            yield f"{each.get('name', '?')}: {folders[0]}"
