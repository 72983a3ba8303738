"""What hosts may say: the shapes of events, of answers to queries, and of all else.

A host is trusted with itself, not with the controller or with other hosts: a release's id becomes
part of paths on all hosts of an app, and a commit goes into the environment of hooks here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any

from provisioning.agent import events
from provisioning.agent.facts import Facts
from provisioning.protocol.shapes import (
    Shape,
    anything,
    flag,
    list_of,
    mapping_of,
    matching,
    maybe,
    number,
    one_of,
    record,
    row,
    text,
    whole,
)

NAME = matching(r"(?:[A-Za-z0-9][A-Za-z0-9._-]{0,99})?")
"""A release's id, or "": never a path."""

WORD = matching(r"[ -~]{0,100}")
"""What a fact is: versions, names and kinds, all of them short."""

COMMIT = matching(r"[0-9A-Za-z]{0,64}")

_FIELDS: Mapping[str, Shape] = {
    "str": text,
    "bool": flag,
    "int": whole,
    "float": number,
    "Tuple[str, ...]": list_of(text),
    # Name -> actual and desired value.
    "Mapping[str, Any]": mapping_of(row(anything, anything)),
}
"""Annotation of a field -> what it takes."""


def _of_class(kind: type, **special: Shape) -> Shape:
    """Return the shape of a dataclass's values, as they travel.

    Args:
        kind: The class.
        special: Shapes of fields of which the type does not tell enough.
    """
    needed: dict[str, Shape] = {}
    others: dict[str, Shape] = {}
    for field in fields(kind):
        has_default = field.default is not MISSING or field.default_factory is not MISSING
        shape = special.get(field.name) or _FIELDS[str(field.type)]
        (others if has_default else needed)[field.name] = shape
    return record(needed, others)


_STATUS = one_of(events.UNCHANGED, events.CHANGED, events.FAILED)

_EVENTS: Mapping[str, Shape] = {
    "started": _of_class(events.Started),
    "progress": _of_class(events.Progress),
    "finished": _of_class(events.Finished, status=_STATUS),
    "unchanged": _of_class(events.Unchanged),
    "noted": _of_class(events.Noted),
    "done": _of_class(events.Done),
}

_NAME_OF_EVENT = record({"event": one_of(*_EVENTS)})


def event(value: Any, where: str) -> Any:
    """Take the message of an event."""
    name = _NAME_OF_EVENT(value, where)["event"]
    return {"event": name, **_EVENTS[name](value, where)}


FACTS = _of_class(Facts, **{each.name: WORD for each in fields(Facts) if each.type == "str"})

HELLO = record({"hello": record({"python": WORD})})

NEED = record({"need": list_of(text)})

BEGUN = record({"run": text}, {"who": text, "what": text, "began": number})

FAILURE = record(
    {"failed": text},
    {"hint": text, "output": text, "busy": anything, "died": anything, "underway": BEGUN},
)

_MANIFEST = record(
    {"release": NAME},
    {
        "built": number,
        "by": text,
        "commit": COMMIT,
        "dirty": text,
        "migrates": text,
        "renews": NAME,
        "venv": NAME,
        "python": matching(r"/[A-Za-z0-9._/+-]{0,200}"),
        "env": NAME,
        "static": mapping_of(text),
        "secrets": list_of(text),
    },
)

_HISTORY = record(
    {"event": text, "release": NAME},
    {"at": number, "by": text, "commit": COMMIT, "dirty": text, "at_state": text},
)

_APP = record(
    {
        "live": NAME,
        "previous": NAME,
        "stopped": NAME,
        "provisioned": flag,
        "releases": list_of(_MANIFEST),
        "lacks": mapping_of(list_of(text)),
        "history": list_of(_HISTORY),
        "secrets": mapping_of(text),
    }
)

_PROCESS = record({"running": whole, "wanted": whole, "restarts": whole})
_TIMER = record({"next": text, "running": flag, "failed": flag})
_RUN = record({"run": text, "who": text, "what": text, "began": number, "at": text, "ended": text})

_STATUS_OF_APP = record(
    {
        "live": NAME,
        "stopped": NAME,
        "since": number,
        "by": text,
        "health": text,
        "site": text,
        "running": list_of(text),
        "at_boot": flag,
        "restarts": whole,
        "memory_bytes": whole,
        "certificate_days": maybe(whole),
        "disk_free_percent": whole,
        "maintenance": flag,
        "processes": mapping_of(_PROCESS),
        "timers": mapping_of(_TIMER),
        "runs": list_of(_RUN),
        "pending": list_of(text),
    }
)

_PAGE = record(
    {
        # When, which unit, priority, text: see agent/queries/logs.py.
        "entries": list_of(row(number, text, whole, text)),
        "cursor": text,
        "more": flag,
        "now": number,
    }
)

_OWNED = record(
    {
        "apps": mapping_of(record({"owner": text, "domains": list_of(text)})),
        "things": mapping_of(record({"owners": list_of(text), "since": number})),
        "adopted": mapping_of(list_of(text)),
    }
)

ANSWERS: Mapping[str, Shape] = {
    "app": _APP,
    "caller": WORD,
    "facts": FACTS,
    "logs": _PAGE,
    "owned": _OWNED,
    "run": maybe(BEGUN),
    "secrets": mapping_of(text),
    "status": mapping_of(_STATUS_OF_APP),
}
"""Query -> the shape of its answer: see agent/queries/, which gives them."""
