"""Debian's package database, read as text: no program is started for it."""

from __future__ import annotations

import hashlib
import re
from typing import Dict, List, Protocol

STATUS_FILE = "/var/lib/dpkg/status"
UPDATES = "/var/lib/dpkg/updates"
"""What dpkg has not yet written into the status file; a dpkg that has ended leaves it empty."""

_PARAGRAPH = re.compile(
    # Essential packages say so before their status.
    r"^Package: (?P<name>\S+)\n(?:(?:Essential|Protected|Important): .+\n)*"
    r"Status: (?P<want>\S+) \S+ (?P<state>\S+)\n(?P<rest>(?:.+\n)*)",
    re.MULTILINE,
)
_VERSION = re.compile(r"^Version: (\S+)$", re.MULTILINE)
_UNFINISHED = frozenset(
    {"half-installed", "unpacked", "half-configured", "triggers-awaited", "triggers-pending"}
)


class Readable(Protocol):
    """A machine whose files can be read, for example a `System`."""

    def read(self, path: str) -> bytes:
        """Return a file's content, b"" for none."""

    def list(self, path: str) -> List[str]:
        """Return the names in a directory, none for none."""


def database(system: Readable) -> str:
    """Return the package database, with the last notes of an interrupted dpkg at the end."""
    texts = [system.read(STATUS_FILE)]
    # Source: dpkg's lib/dpkg/dbmodify.c: numbered in the order in which they are to be applied.
    texts += [system.read(f"{UPDATES}/{name}") for name in system.list(UPDATES) if name.isdigit()]
    return "\n".join(text.decode(errors="replace").rstrip("\n") + "\n" for text in texts)


def parse_status(text: str) -> Dict[str, str]:
    """Return the packages that are installed, name -> version.

    Source: deb-control(5), dpkg-query(1): the third word of Status is the package's state.
    """
    if not text.endswith("\n"):
        text += "\n"
    installed = {}
    for paragraph in _PARAGRAPH.finditer(text):
        if paragraph["state"] == "installed":
            version = _VERSION.search(paragraph["rest"])
            installed[paragraph["name"]] = version[1] if version else ""
        else:
            installed.pop(paragraph["name"], None)
    return installed


def is_as_packaged(system: Readable, path: str) -> bool:
    """Return whether a configuration file is unchanged since its package installed it.

    Source: deb-conffiles(5); the database names each with its MD5, which keeps nobody out here.
    """
    digest = hashlib.new("md5", system.read(path), usedforsecurity=False).hexdigest()
    line = rf"^ {re.escape(path)} {digest}$"
    return re.search(line, database(system), re.MULTILINE) is not None


def unfinished(text: str) -> Dict[str, bool]:
    """Return the packages that are half-way: name -> whether they are to be installed."""
    found: Dict[str, bool] = {}
    for paragraph in _PARAGRAPH.finditer(text):
        if paragraph["state"] in _UNFINISHED:
            found[paragraph["name"]] = paragraph["want"] in ("install", "hold")
        else:
            found.pop(paragraph["name"], None)
    return found


def upstream_version(version: str) -> str:
    """Return a package's upstream version: "1:4.6.0-2+b1" -> "4.6.0"."""
    return version.split(":", 1)[-1].rsplit("-", 1)[0] if "-" in version else version
