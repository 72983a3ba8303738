"""Debian's package database, read as text: no program is started for it."""

from __future__ import annotations

import re
from typing import Dict

STATUS_FILE = "/var/lib/dpkg/status"

_PARAGRAPH = re.compile(
    # Essential packages say so before their status.
    r"^Package: (?P<name>\S+)\n(?:(?:Essential|Protected|Important): .+\n)*"
    r"Status: (?P<status>[^\n]+)\n(?P<rest>(?:.+\n)*)",
    re.MULTILINE,
)
_VERSION = re.compile(r"^Version: (\S+)$", re.MULTILINE)


def parse_status(text: str) -> Dict[str, str]:
    """Return the packages that are installed, name -> version.

    Source: deb-control(5), dpkg-query(1): the third word of Status is the package's state.
    """
    if not text.endswith("\n"):
        text += "\n"
    installed = {}
    for paragraph in _PARAGRAPH.finditer(text):
        if paragraph["status"].split()[-1] == "installed":
            version = _VERSION.search(paragraph["rest"])
            installed[paragraph["name"]] = version[1] if version else ""
    return installed


def upstream_version(version: str) -> str:
    """Return a package's upstream version: "1:4.6.0-2+b1" -> "4.6.0"."""
    return version.split(":", 1)[-1].rsplit("-", 1)[0] if "-" in version else version


def needs_configuring(text: str) -> bool:
    """Return whether a package manager was cut off and left packages half way."""
    half = "half-configured|half-installed|unpacked|triggers-pending|triggers-awaited"
    return re.search(rf"^Status: \S+ \S+ ({half})$", text, re.MULTILINE) is not None
