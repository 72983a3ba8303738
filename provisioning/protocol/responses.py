"""The agent's messages, checked and turned into objects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from provisioning.agent import events
from provisioning.agent.facts import Facts
from provisioning.agent.runs.messages import (
    Answer,
    Begun,
    Failed,
    Hello,
    Need,
    OtherFacts,
    Response,
    RunEnded,
    RunInfo,
)
from provisioning.protocol.answers import BEGUN, FACTS, FAILURE, HELLO, NEED, event
from provisioning.protocol.shapes import ShapeError


def response_of(message: Mapping[str, Any]) -> Response:
    """Return the object for a message of a host.

    Raises:
        ShapeError: no agent says that.
    """
    for key, read in _RESPONSES.items():
        if key in message:
            return read(message)
    raise ShapeError("a message is of an unknown kind")


def _failed(message: Mapping[str, Any]) -> Failed:
    values = FAILURE(message, "message")
    current = values.get("underway")
    return Failed(
        values["failed"],
        values.get("hint", ""),
        values.get("output", ""),
        busy=bool(values.get("busy") or current),
        current_run=RunInfo(**current) if current else None,
        died=bool(values.get("died")),
    )


_RESPONSES: Mapping[str, Callable[[Mapping[str, Any]], Response]] = {
    "event": lambda message: events.from_message(event(message, "event")),
    "need": lambda message: Need(tuple(NEED(message, "message")["need"])),
    "hello": lambda message: Hello(HELLO(message, "message")["hello"]["python"]),
    "answer": lambda message: Answer(message["answer"]),
    "begun": lambda message: Begun(RunInfo(**BEGUN(message["begun"], "begun"))),
    "ended": lambda message: RunEnded(),
    "facts": lambda message: OtherFacts(Facts.from_json(FACTS(message["facts"], "facts"))),
    "failed": _failed,
}
"""Key -> what reads the message that has it."""
