"""What systemctl says of units, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Mapping, Sequence, Tuple

PROPERTIES = "Id,LoadState,ActiveState,UnitFileState,NeedDaemonReload,ActiveEnterTimestampMonotonic"


LOAD_STATES = ("stub", "loaded", "not-found", "bad-setting", "error", "merged", "masked")
"""Source: org.freedesktop.systemd1(5), LoadState; `systemctl --state=help`."""


def unexpanded(word: str) -> str:
    """Return a word of a command line as one in which systemd replaces no variables.

    Source: systemd.service(5), "COMMAND LINES": it does so itself; $$ is a dollar sign.
    """
    return word.replace("$", "$$")


def quoted(word: str) -> str:
    """Return a word of a command line in a unit file, whatever is in it.

    Source: systemd.service(5), "COMMAND LINES": quotes and backslashes as in C, and "%" stands for
    itself when doubled.
    """
    for character in '\\"':
        word = word.replace(character, "\\" + character)
    return '"' + word.replace("%", "%%") + '"'


@dataclass(frozen=True)
class UnitState:
    """A unit's state. Source: org.freedesktop.systemd1(5).

    Args:
        load: "loaded", "not-found", "masked", "bad-setting", ...
        active: "active", "inactive", "failed", "activating", ...
        enabled: "enabled", "disabled", "static", "masked", "indirect", ..., "" if there is none.
        stale: The unit's file is newer than what systemd has loaded.
    """

    load: str = "not-found"
    active: str = "inactive"
    enabled: str = ""
    stale: bool = False

    @property
    def running(self) -> bool:
        return self.active in ("active", "reloading", "activating")

    @property
    def masked(self) -> bool:
        return self.load == "masked" or self.enabled.startswith("masked")


def parse_show(text: str, names: Sequence[str]) -> Dict[str, UnitState]:
    """Read `systemctl show`: one paragraph per unit, in the order asked for."""
    states = {}
    paragraphs = [part for part in text.split("\n\n") if part.strip()]
    for name, paragraph in zip(names, paragraphs):
        values = dict(line.split("=", 1) for line in paragraph.splitlines() if "=" in line)
        states[name] = UnitState(
            load=values.get("LoadState", "not-found"),
            active=values.get("ActiveState", "inactive"),
            enabled=values.get("UnitFileState", ""),
            stale=values.get("NeedDaemonReload") == "yes",
        )
    for name in names:
        states.setdefault(name, UnitState())
    return states


def parse_list(text: str) -> Dict[str, Tuple[str, str]]:
    """Read `systemctl list-units --plain --no-legend`: unit -> active and sub state.

    A description that has line breaks goes on in lines of its own, which are none of a unit.
    """
    found = {}
    for line in text.splitlines():
        words = line.split(None, 4)
        if len(words) >= 4 and "." in words[0] and words[1] in LOAD_STATES:
            found[words[0]] = (words[2], words[3])
    return found


def parse_properties(text: str) -> Dict[str, Mapping[str, str]]:
    """Read `systemctl show --property=Id,...`: unit -> property -> value."""
    found: Dict[str, Mapping[str, str]] = {}
    for paragraph in text.split("\n\n"):
        values = dict(line.split("=", 1) for line in paragraph.splitlines() if "=" in line)
        if values.get("Id"):
            found[values["Id"]] = values
    return found
