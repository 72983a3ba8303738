"""Where an app's requirements come from: over a road that others can change, or with a hash."""

from __future__ import annotations

import ipaddress
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from provisioning.deploy.requirements.lines import is_toml, logical_lines, normalised
from provisioning.deploy.requirements.local import place_of_line
from provisioning.errors import ConfigurationError

PLAIN = re.compile(r"(?:(?:git|hg|bzr|svn)\+)?(?:https?|ftp|git|svn)://[^\s\"',;]+", re.IGNORECASE)
"""URLs among requirements; of those, `_is_plain` picks what anybody on the way can change.
Source: pip's "VCS Support" and RFC 3986."""

ENCRYPTED = ("https", "git+https", "hg+https", "svn+https", "bzr+https")

FRAGMENT_HASH = re.compile(r"[#&](?:sha256|sha384|sha512)=[0-9a-f]{64,}", re.IGNORECASE)
"""Source: the PyPA's "Direct URL Data Structure" and pip's "Hash-checking Mode"."""

COMMIT = re.compile(r"(?:@|#)[0-9a-f]{40}(?:[0-9a-f]{24})?(?=$|[#&\s])")
"""A whole name of a commit: git checks it against the content."""

TRUSTED_HOST = re.compile(r"^--trusted-host(?:[ \t]+|=)[\"']?(\S+?)[\"']?$")
INDEX = re.compile(r"^(?:-i|-f|--[a-z-]*(?:index|links)[a-z-]*)\b")
"""Options that say where packages are looked for: what comes from there may have hashes."""

NAME = re.compile(r"^([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)")
"""Source: PEP 508."""

WAY_OUT = (
    "use https, or pin the files with `--hash=sha256:...` (`uv pip compile --generate-hashes` "
    "and `uv lock` write hashes)"
)


@dataclass(frozen=True)
class Requirement:
    """One thing that is to be installed.

    Args:
        name: As the listing calls it; a URL where it has no name.
        has_hash: Whether the listing says what it must be, byte for byte.
    """

    name: str
    has_hash: bool


@dataclass(frozen=True)
class PlainSource:
    """A place that is asked over a road that others can change.

    Args:
        line: In the file, from 1.
        shown: What stands there, without passwords.
        is_index: Whether it is a place to look for packages, which may have hashes each.
    """

    line: int
    shown: str
    is_index: bool


def refuse_plain_sources(source: Path, files: Mapping[str, bytes]) -> None:
    """Refuse requirements that anyone between a host and their source could replace.

    A host that is asked on the host itself is no such place, and what has a hash cannot be
    replaced.

    Args:
        source: The app's folder.
        files: Path below it -> content, as of `read_requirements`.

    Raises:
        ConfigurationError: there are such; it names each with its file and line.
    """
    everything_has_hashes = not unhashed(files)
    refused = [
        f"{source / name}, line {place.line}: {place.shown}"
        for name, content in files.items()
        for place in _plain_sources(name, content.decode("utf-8", "replace"))
        if not (place.is_index and everything_has_hashes)
    ]
    if refused:
        raise ConfigurationError(
            f"cannot trust requirements of {source}: they are downloaded unencrypted and without "
            "a hash, so anyone on the network path can replace them",
            hint=WAY_OUT,
            output="\n".join(refused),
        )


def unhashed(files: Mapping[str, bytes]) -> list[str]:
    """Return the names of all requirements that no file names a hash of, in their order."""
    found: dict[str, str] = {}
    hashed: set[str] = set()
    for path, content in files.items():
        for each in _requirements(path, content.decode("utf-8", "replace")):
            same = normalised(each.name)
            if each.has_hash:
                hashed.add(same)
            else:
                found.setdefault(same, each.name)
    return [name for same, name in found.items() if same not in hashed]


def trusted_unseen(listing: str, files: Mapping[str, bytes]) -> str:
    """Name the requirements that are installed whatever the index serves; "" if there are none.

    Args:
        listing: Which of the files to begin with.
        files: Path -> content, as of `read_requirements`.
    """
    names = unhashed(files)
    if not names:
        return ""
    is_lock = is_toml(listing)
    everything = not is_lock and not any(b"--hash" in content for content in files.values())
    lacks = "no hashes" if everything else f"no hash of {', '.join(names)}"
    adds = "uv lock" if is_lock else "uv pip compile --generate-hashes"
    return f"{listing} names {lacks}; Homeport trusts what the index serves. `{adds}` adds them"


def _requirements(path: str, text: str) -> Iterator[Requirement]:
    kind = PurePosixPath(path).name
    if kind == "pyproject.toml":
        return
    if not is_toml(path):
        for _, line in logical_lines(text):
            # What the app's source holds is what git, or the operator, has there.
            if not line.startswith("-") and not place_of_line(path, line):
                name = NAME.match(line)
                is_url = "://" in line.partition(" ")[0]
                yield Requirement(_masked(line) if is_url or not name else name[1], _fixed(line))
        return
    lock = _toml(text)
    for each in lock.get("packages", ()):
        places = (*each.get("wheels", ()), each.get("sdist"), each.get("archive"))
        fixed = all(place.get("hashes") for place in places if place)
        yield Requirement(str(each.get("name", "?")), fixed)
    for each in lock.get("package", ()):
        where = each.get("source", {})
        if "registry" in where or "url" in where:
            yield Requirement(str(each.get("name", "?")), _has_hashes_in_uv_lock(each))


def _has_hashes_in_uv_lock(package: Mapping[str, Any]) -> bool:
    places = [*package.get("wheels", ()), *([package["sdist"]] if "sdist" in package else ())]
    return bool(places) and all(place.get("hash") for place in places)


def _plain_sources(path: str, text: str) -> Iterator[PlainSource]:
    if is_toml(path):
        yield from _plain_in_toml(PurePosixPath(path).name, text)
        return
    for number, line in logical_lines(text):
        trusted = TRUSTED_HOST.match(line)
        if trusted and not _is_here(urlsplit(f"//{trusted[1]}").hostname):
            yield PlainSource(number, line, is_index=True)
        elif not _fixed(line) and any(_is_plain(url[0]) for url in PLAIN.finditer(line)):
            yield PlainSource(number, _masked(line), is_index=bool(INDEX.match(line)))


def _plain_in_toml(name: str, text: str) -> Iterator[PlainSource]:
    """Yield the plain places of uv.lock, of the pyproject.toml beside it, or of pylock.toml.

    Source: uv's "Lockfile" and "Settings"; the PyPA's "pylock.toml Specification".
    """
    lock = _toml(text)
    urls: list[tuple[str, bool]] = []
    for each in lock.get("packages", ()):
        places = [*each.get("wheels", ()), *(each[kind] for kind in KINDS if kind in each)]
        urls += [(p.get("url", ""), False) for p in places if not p.get("hashes")]
        vcs = each.get("vcs", {})
        if not re.fullmatch(r"[0-9a-f]{40}(?:[0-9a-f]{24})?", str(vcs.get("commit-id", ""))):
            urls.append((vcs.get("url", ""), False))
        urls.append((each.get("index", ""), True))
    for each in lock.get("package", ()):
        where = each.get("source", {})
        places = [*each.get("wheels", ()), each.get("sdist", {})]
        urls += [(p.get("url", ""), False) for p in places if not p.get("hash")]
        if not _has_hashes_in_uv_lock(each):
            urls += [(where.get(kind, ""), False) for kind in ("registry", "url")]
        if not COMMIT.search(str(where.get("git", ""))):
            urls.append((where.get("git", ""), False))
    if name == "pyproject.toml":
        urls += [(url, True) for url in _strings(lock.get("tool", {}).get("uv", {}))]
    seen = set()
    for url, is_index in urls:
        if isinstance(url, str) and url not in seen and PLAIN.match(url) and _is_plain(url):
            seen.add(url)
            line = text.count("\n", 0, max(0, text.find(url))) + 1
            yield PlainSource(line, _masked(url), is_index)


KINDS = ("sdist", "archive")
"""Tables of a package in pylock.toml that say where it comes from and have hashes."""


def _fixed(line: str) -> bool:
    """Tell whether a requirement says what it must be, byte for byte."""
    if re.search(r"\s--hash[= ]", line) or FRAGMENT_HASH.search(line):
        return True
    return "git+" in line and bool(COMMIT.search(line))


def _is_plain(url: str) -> bool:
    """Tell whether others can read and change what comes from a URL."""
    scheme = url.partition("://")[0].lower()
    if scheme in ENCRYPTED:
        return False
    try:
        return not _is_here(urlsplit("//" + url.partition("://")[2]).hostname)
    except ValueError:
        return True


def _is_here(host: str | None) -> bool:
    """Tell whether a name is that of the host itself. Source: RFC 6761, 6.3."""
    if not host:
        return False
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _masked(text: str) -> str:
    """Return the text without the user and password of its URLs."""
    return re.sub(r"://[^/@\s]*@", "://***@", text)


def _strings(value: object) -> Iterator[str]:
    """Yield every text in nested tables and lists."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each)


def _toml(text: str) -> dict[str, Any]:
    """Return a file that `read_requirements` has read already; an unreadable one is empty."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return {}
