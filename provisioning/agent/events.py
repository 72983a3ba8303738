"""The events that the agent sends during a run, as the report reads them.

Each event is a frozen dataclass that travels as one message: {"event": name, ...}.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Dict, Mapping, Tuple, Type, Union

UNCHANGED, CHANGED, FAILED = "unchanged", "changed", "failed"


@dataclass(frozen=True)
class Started:
    """A resource is not as it should be, and work on it begins."""

    id: str


@dataclass(frozen=True)
class Progress:
    """Something a person may want to know while a resource takes its time."""

    id: str
    text: str


@dataclass(frozen=True)
class Finished:
    """A resource is done with.

    Args:
        id: The resource.
        status: "unchanged", "changed" (in a check: would be) or "failed".
        change: Name -> (actual, desired), secrets masked.
        diffs: Unified diffs of text files, if asked for; secrets are left out.
        seconds: How long it took.
        message, hint, output: Why it failed and what to do.
        refused: It failed because a release was kept from going live.
    """

    id: str
    status: str
    change: Mapping[str, Any] = field(default_factory=dict)
    diffs: Tuple[str, ...] = ()
    seconds: float = 0.0
    message: str = ""
    hint: str = ""
    output: str = ""
    refused: bool = False


@dataclass(frozen=True)
class Unchanged:
    """Several resources in a row were as they should be."""

    ids: Tuple[str, ...]


@dataclass(frozen=True)
class Noted:
    """Something that a person should know, whatever becomes of the run."""

    text: str


@dataclass(frozen=True)
class Done:
    """A plan came to its end: only this is success; a closed connection is not.

    Args:
        run: The run's id, as sent with the plan.
        stopped: It ended before the last resource, because somebody asked.
        failed: A resource failed.
        more: The run goes on: it keeps the host for another plan.
    """

    run: str
    stopped: bool = False
    failed: bool = False
    seconds: float = 0.0
    more: bool = False


Event = Union[Started, Progress, Finished, Unchanged, Noted, Done]
EVENTS = (Started, Progress, Finished, Unchanged, Noted, Done)
_TYPES: Dict[str, Type[Any]] = {each.__name__.lower(): each for each in EVENTS}


def to_message(event: Event) -> Dict[str, Any]:
    """Return an event as a message for the wire."""
    message: Dict[str, Any] = {"event": type(event).__name__.lower()}
    for each in fields(event):
        value = getattr(event, each.name)
        if value or each.name in ("id", "run"):
            message[each.name] = value
    return message


def from_message(message: Mapping[str, Any]) -> Event:
    """Return the event that a message carries."""
    values = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in message.items()
        if name != "event"
    }
    event: Event = _TYPES[message["event"]](**values)
    return event
