"""What the units of an app have logged, page by page, without the values of its secrets.

Each page is a program of its own that comes to its end: nothing goes on running on the host
while somebody follows, and a release that was deployed meanwhile is found like any other.
"""

from __future__ import annotations

import itertools
import json
import re
import time
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence

from provisioning.agent.answers import LogEntry, LogPage, plain
from provisioning.agent.apps.environment import mask_for
from provisioning.agent.apps.one_off_units import unit_names
from provisioning.agent.errors import AgentError, StoppedError
from provisioning.agent.machine.system import System

PAGE_ENTRIES = 1000
PAGE_CHARS = 1 << 20
PAGE_S = 2.0
"""A page ends when it has so many entries or characters, or took so long to find."""

UNIT_FIELDS = ("UNIT", "COREDUMP_UNIT", "OBJECT_SYSTEMD_UNIT", "_SYSTEMD_UNIT")
"""Which unit an entry is about, or else from. Source: systemd.journal-fields(7)."""

TOO_LONG = "(a message that is too long to show)"

INFO = 6
"""Source: syslog(3)."""


def answer(message: Mapping[str, Any], system: System) -> Any:
    """Return a page of what apps have logged, oldest first.

    Args:
        message: "apps" (names); "grep", a text that entries must hold, or "". Where the page
            begins: "after", a cursor of an earlier page; else "since", in seconds since the
            epoch, or 0; of that only the last "lines", or 0.
        system: The machine.

    Returns:
        See `LogPage`.
    """
    try:
        return plain(_page(message, system))
    except StoppedError:
        raise AgentError("stopped searching the journal") from None


def _page(message: Mapping[str, Any], system: System) -> LogPage:
    now, began = time.time(), time.monotonic()
    journal = _Journal(message["apps"], message.get("grep", ""), system)
    cursor = message.get("after", "")
    start = [f"--after-cursor={cursor}"] if cursor else _since(message)
    if message.get("lines") and not cursor:
        first = journal.nth_last(message["lines"], start)
        start = [f"--cursor={first}"] if first else start
    found: List[LogEntry] = []
    chars = 0
    for entry in journal.entries(start):
        cursor = entry["__CURSOR"]
        shown = journal.shown(entry)
        if shown:
            found.append(shown)
            chars += len(shown.text)
        full = len(found) >= PAGE_ENTRIES or chars >= PAGE_CHARS
        if full or time.monotonic() - began > PAGE_S:
            return LogPage(tuple(found), cursor, True, now)
    return LogPage(tuple(found), cursor, False, now)


def _since(message: Mapping[str, Any]) -> List[str]:
    return [f"--since=@{message['since']:.6f}"] if message.get("since") else []


class _Journal:
    """The entries of apps' units that hold a text."""

    def __init__(self, apps: Sequence[str], text: str, system: System) -> None:
        self._text = text
        self._system = system
        self._mask: Callable[[str], str] = mask_for(system, apps)
        self._unit = re.compile("|".join(_units(app) for app in apps))
        self._patterns = [pattern for app in apps for pattern in _patterns(app)]

    def nth_last(self, number: int, start: Sequence[str]) -> str:
        """Return the cursor of the entry that is this many before the last, or of the first one."""
        cursor = ""
        for entry in self.entries([*start, "--reverse"]):
            if self.shown(entry):
                cursor = entry["__CURSOR"]
                number -= 1
            if number == 0:
                break
        return cursor

    def entries(self, start: Sequence[str]) -> Iterator[Dict[str, Any]]:
        """Yield entries as journalctl gives them.

        Raises:
            AgentError: The journal cannot be read.
            StoppedError: The controller is gone.
        """
        fields = ",".join(("MESSAGE", "PRIORITY", *UNIT_FIELDS))
        units = [f"--unit={pattern}" for pattern in self._patterns]
        argv = ["journalctl", "--quiet", "--output=json", f"--output-fields={fields}"]
        number = 0
        for line in self._system.lines([*argv, "--all", *units, *start]):
            self._system.checkpoint()
            if not line.endswith(b"\n"):
                break
            number += 1
            yield _entry(line)
        else:
            return
        # An app may log a message of any size. From there on, long ones are left out: without
        # --all, null stands for what is longer than 4 KB. Source: systemd, logs-show.c,
        # JSON_THRESHOLD.
        for line in itertools.islice(self._system.lines([*argv, *units, *start]), number, None):
            self._system.checkpoint()
            yield _entry(line)

    def shown(self, entry: Mapping[str, Any]) -> Optional[LogEntry]:
        """Return what is told of an entry; None if it is not one that was asked for."""
        units = [entry[name] for name in UNIT_FIELDS if isinstance(entry.get(name), str)]
        unit = next((each for each in units if self._unit.fullmatch(each)), "")
        text = self._mask(_text(entry.get("MESSAGE", "")))
        if not unit or self._text not in text:
            return None
        at = int(entry["__REALTIME_TIMESTAMP"]) / 1e6
        priority = str(entry.get("PRIORITY", ""))
        return LogEntry(at, unit, int(priority) if priority.isdigit() else INFO, text)


def _entry(line: bytes) -> Dict[str, Any]:
    entry: Dict[str, Any] = json.loads(line)
    return entry


def _patterns(app: str) -> List[str]:
    """Return how systemd is asked for an app's units; those of apps like it may be among them."""
    # The last are one-off runs of a release.
    return [f"{app}@*", f"{app}.*", f"{app}-boot.service", f"{app}-*-[0-9]*T[0-9]*Z-*.service"]


def _units(app: str) -> str:
    """Return an expression for the names of exactly this app's units.

    "hello-api" is another app than "hello", but has neither a dot nor a "@" before its end.
    """
    return rf"{re.escape(app)}(?:[@.].*|-boot\.service)|{unit_names(app)}"


def _text(value: Any) -> str:
    """Return a message as text: journalctl gives a list of bytes where it is none.

    Source: https://systemd.io/JOURNAL_EXPORT_FORMATS, "Journal JSON Format".
    """
    if value is None:
        return TOO_LONG
    if isinstance(value, list):
        # A field that an entry has several times is a list of texts.
        if all(isinstance(each, int) for each in value):
            return bytes(value).decode("utf-8", "replace")
        return "\n".join(_text(each) for each in value)
    return value if isinstance(value, str) else ""
