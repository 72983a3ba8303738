"""What a Procfile says a project runs besides its web server."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from provisioning.inventory.types.commands import parse_command

_LINE = re.compile(r"^([A-Za-z][A-Za-z0-9_-]*):\s*(\S.*?)\s*$")
_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")
_OTHERS = ("web", "release")


@dataclass(frozen=True)
class Procfile:
    """What it says.

    Args:
        processes: Name -> command line.
        release: The command that runs before a release goes live, "" for none.
    """

    processes: dict[str, str] = field(default_factory=dict)
    release: str = ""


def read_procfile(directory: Path) -> Procfile:
    """Read a project's Procfile; nothing where there is none. Source: Heroku, "The Procfile"."""
    try:
        lines = (directory / "Procfile").read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return Procfile()
    matches = [each for line in lines if (each := _LINE.match(line))]
    found = {each[1]: each[2] for each in matches if _is_command(each[2])}
    processes = {
        name.lower().replace("_", "-"): command
        for name, command in found.items()
        if name not in _OTHERS
    }
    named = {name: command for name, command in processes.items() if _NAME.fullmatch(name)}
    return Procfile(named, found.get("release", ""))


def _is_command(text: str) -> bool:
    try:
        parse_command(text)
    except ValueError:
        return False
    return True
