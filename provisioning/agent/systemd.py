"""What systemctl says of units, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Mapping, Sequence, Tuple

PROPERTIES = "Id,LoadState,ActiveState,UnitFileState,NeedDaemonReload,ActiveEnterTimestampMonotonic"


def unexpanded(word: str) -> str:
    """Return a word of a command line as one in which systemd replaces no variables.

    Source: systemd.service(5), "COMMAND LINES": it does so itself; $$ is a dollar sign.
    """
    return word.replace("$", "$$")


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
    """Read `systemctl list-units --plain --no-legend`: unit -> active and sub state."""
    rows = (line.split(None, 4) for line in text.splitlines() if line.strip())
    return {name: (active, sub) for name, _, active, sub, *_ in rows}


def parse_properties(text: str) -> Dict[str, Mapping[str, str]]:
    """Read `systemctl show --property=Id,...`: unit -> property -> value."""
    found: Dict[str, Mapping[str, str]] = {}
    for paragraph in text.split("\n\n"):
        values = dict(line.split("=", 1) for line in paragraph.splitlines() if "=" in line)
        if values.get("Id"):
            found[values["Id"]] = values
    return found
