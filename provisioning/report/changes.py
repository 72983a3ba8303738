"""A resource's change in words, for a line that a person reads while it passes by."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from provisioning.agent import events
from provisioning.report.names import readable_id
from provisioning.report.sanitize import clean_line

ADDED, CHANGED, REMOVED, FAILED = "+", "~", "-", "!"

VALUE_CHARS = 32
"""Longer values are shortened in lines; `--diff` and `--json` show all."""

SHOWN_NAMES = 6
"""Of more names than that, the rest is counted."""

# Actual values that say: it was not there. `Packages` says "absent", `FileSet` says "".
_ABSENT = (None, "", "absent")
# Names of yes-or-no values that say whether the resource is there at all.
_EXISTENCE = ("present", "complete", "done")
# Of a new file, directory or link these go without saying.
_ATTRIBUTES = ("type", "content", "mode", "owner", "group")
_WORK = {
    "to have ready": (CHANGED, "prepare", "prepared"),
    "to keep": (ADDED, "keep", "kept"),
    "to make": (ADDED, "make", "made"),
    "to publish": (CHANGED, "publish", "published"),
    "to put back": (CHANGED, "put back", "put back"),
    "to put in order": (CHANGED, "repair", "repaired"),
    "to remove": (REMOVED, "remove", "removed"),
}
"""Name of what is still to do, whose value says how much or what -> symbol, and verb in a check and
in a run."""

_COMMANDS = {"loaded": ("reload", "reloaded"), "started": ("restart", "restarted")}
"""What a service has not loaded yet, or was not started with -> what is done about that."""
# SHA-256 in hex, whole or its half; a person cannot read it, only that it differs.
_DIGEST = re.compile(r"\b(?:[0-9a-f]{32}|[0-9a-f]{64})\b")


@dataclass(frozen=True)
class Words:
    """What happened to a resource.

    Args:
        symbol: `+` was not there before, `~` changed, `-` removed, `!` failed.
        id: The resource.
        details: What of it, such as "mode 0644 -> 0640" or "removed a.conf"; may be empty.
        planned: The same as a check says it, such as "remove a.conf", where that has a verb.
    """

    symbol: str
    id: str
    details: str
    planned: str = ""

    def would(self) -> str:
        """Return the details as a check says them."""
        if self.planned:
            return f"would {self.planned}"
        verb, participle = {
            ADDED: ("add", "added"),
            CHANGED: ("change", "changed"),
            REMOVED: ("remove", "removed"),
        }[self.symbol]
        return f"would {verb} {self.details}" if self.details else f"would be {participle}"


SHOWN_FROM_S = 1.0
"""A step that took less shows no time."""


def took(finished: events.Finished) -> str:
    """Return how long a step took, such as "12 s"; "" if that was not worth a word."""
    return f"{finished.seconds:.0f} s" if finished.seconds >= SHOWN_FROM_S else ""


def words_for(finished: events.Finished) -> Words:
    """Put an event into words, secrets and controls taken out."""
    if finished.status == events.FAILED:
        return Words(FAILED, readable_id(clean_line(finished.id)), clean_line(finished.message))
    pairs = {name: (pair[0], pair[1]) for name, pair in finished.change.items()}
    symbol = _symbol(pairs)
    work = list(_work(pairs))
    if len(work) == len(pairs) and work:
        planned, done = (", ".join(words) for words in zip(*work, strict=True))
        return Words(symbol, readable_id(clean_line(finished.id)), done, planned)
    found = list(_details(pairs, symbol))
    if len(found) > SHOWN_NAMES:
        found[SHOWN_NAMES - 1 :] = [f"and {len(found) - SHOWN_NAMES + 1} more"]
    return Words(symbol, readable_id(clean_line(finished.id)), ", ".join(found))


_Pairs = Mapping[str, tuple[Any, Any]]


def _work(pairs: _Pairs) -> Iterator[tuple[str, str]]:
    """Yield what is to do and what was done, for names that say so."""
    for name, (actual, desired) in pairs.items():
        if name in _WORK:
            _, planned, done = _WORK[name]
            yield f"{planned} {_plain(actual)}", f"{done} {_plain(actual)}"
        elif name in _COMMANDS and _DIGEST.search(str(desired)):
            yield _COMMANDS[name]


def _symbol(pairs: _Pairs) -> str:
    if pairs and all(name in _WORK for name in pairs):
        symbols = {_WORK[name][0] for name in pairs}
        return symbols.pop() if len(symbols) == 1 else CHANGED
    if pairs and all(desired in _ABSENT for _, desired in pairs.values()):
        return REMOVED
    was_absent = (
        actual in _ABSENT or (name in _EXISTENCE and actual is False)
        for name, (actual, _) in pairs.items()
    )
    return ADDED if pairs and all(was_absent) else CHANGED


def _details(pairs: _Pairs, symbol: str) -> Iterator[str]:
    for name, (actual, desired) in pairs.items():
        if name in _EXISTENCE:
            continue
        if symbol == ADDED and "type" in pairs and name in _ATTRIBUTES:
            continue
        detail = _detail(clean_line(name).replace("_", " "), actual, desired, symbol)
        if detail:
            yield detail


def _detail(name: str, actual: Any, desired: Any, symbol: str) -> str:
    if desired in (True, "installed"):
        return name
    if desired is False or (desired == "absent" and symbol != REMOVED):
        return f"not {name}"
    if desired == "absent":
        return name
    before, after = _plain(actual), _plain(desired)
    if name in _COMMANDS and _DIGEST.search(str(desired)):
        return _COMMANDS[name][1]
    if name == "type":
        return before if symbol == REMOVED else f"{before} -> {after}"
    if before == after or (not after and desired):
        # Only digests differ; of something new they say nothing.
        return "" if symbol == ADDED and not after else name
    if actual in _ABSENT:
        # The mode of a new member of a file set comes with its digest.
        return name if _DIGEST.search(str(desired)) else f"{name} {after}"
    if symbol == REMOVED:
        return f"{name} {before}"
    return f"{name} {before} -> {after or 'none'}"


def _plain(value: Any) -> str:
    """Return a value short enough to be read: without digests, and cut."""
    if value is None:
        return ""
    # Cleaned before it is cut: half a secret would not be known for one.
    text = _DIGEST.sub("", clean_line(str(value))).strip().removeprefix("-> ")
    return text if len(text) <= VALUE_CHARS else text[: VALUE_CHARS - 3] + "..."
