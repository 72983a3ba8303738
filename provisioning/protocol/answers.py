"""What hosts may say: the shapes of events, of answers to queries, and of all else.

A host is trusted with itself, not with the controller or with other hosts: a release's id becomes
part of paths on all hosts of an app, and a commit goes into the environment of hooks here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

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

# Answers to queries

A = TypeVar("A")

_TEXTS: Mapping[str, Shape] = {
    "release": NAME,
    "commit": COMMIT,
    "runtime": matching(r"(?:[a-z]{1,20}/[0-9A-Za-z][0-9A-Za-z._-]{0,99})?"),
    "mode": matching(r"[0-7]{3,4}"),
    "interpreter": matching(r"(?:/[A-Za-z0-9._/+-]{0,200})?"),
}
"""What a text is that is more than a text -> its shape: see agent/answers.py."""

_PLAIN: Mapping[Any, Shape] = {str: text, bool: flag, int: whole, float: number}


@cache
def shape_of(kind: Any) -> Shape:
    """Return the shape of what travels of a type of agent/answers.py."""
    if kind in _PLAIN:
        return _PLAIN[kind]
    if marks := getattr(kind, "__metadata__", None):
        return _TEXTS[marks[0]]
    if hasattr(kind, "_fields"):
        return _shape_of_tuple(kind)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is tuple:
        return list_of(shape_of(arguments[0]))
    if origin is Union:
        return maybe(shape_of(arguments[0]))
    return mapping_of(shape_of(arguments[1]))


@cache
def _types_of(kind: Any) -> Mapping[str, Any]:
    """Return the types of a named tuple's fields: read once, a page of a log has 1,000 of one."""
    return get_type_hints(kind, include_extras=True)


def _shape_of_tuple(kind: Any) -> Shape:
    shapes = {name: shape_of(each) for name, each in _types_of(kind).items()}
    others = {name: shapes.pop(name) for name in kind._field_defaults}
    return record(shapes, others)


def made_of(kind: Any, value: Any) -> Any:
    """Return the answer that a value of the right shape describes."""
    if hasattr(kind, "_fields"):
        types = _types_of(kind)
        return kind(**{name: made_of(types[name], each) for name, each in value.items()})
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is tuple:
        return tuple(made_of(arguments[0], each) for each in value)
    if origin is Union:
        return None if value is None else made_of(arguments[0], value)
    if arguments and not hasattr(kind, "__metadata__"):
        return {name: made_of(arguments[1], each) for name, each in value.items()}
    return value


def answer_of(kind: Callable[..., A], value: Any) -> A:
    """Return the answer of a host.

    Args:
        kind: What it is to be: a named tuple of agent/answers.py, or a type made of these.
        value: What came.

    Raises:
        ShapeError: it is no such answer.
    """
    answer: A = made_of(kind, shape_of(kind)(value, "answer"))
    return answer
