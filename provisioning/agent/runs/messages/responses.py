"""What the agent says to the controller, besides events."""

from __future__ import annotations

from typing import Any, NamedTuple, Optional, Tuple, Union

from provisioning.agent.events import Event
from provisioning.agent.facts import Facts
from provisioning.agent.runs.messages.run_info import RunInfo
from provisioning.agent.runs.messages.word import Word
from provisioning.agent.runs.wire import Message


class Hello(NamedTuple):
    """The agent is there.

    Args:
        python: Its interpreter's version.
    """

    python: str

    def _message(self) -> Message:
        return {"hello": {"python": self.python}}


class Answer(NamedTuple):
    """The answer to a query.

    Args:
        value: Plain values, in the shape that protocol/answers.py names for the query.
    """

    value: Any

    def _message(self) -> Message:
        return {"answer": self.value}


class Begun(NamedTuple):
    """A run in the background has the host."""

    run: RunInfo

    def _message(self) -> Message:
        return {"begun": self.run.values()}


class RunEnded(Word):
    """A run in the background has nothing more to say."""

    key = "ended"


class Need(NamedTuple):
    """Contents that the host lacks: they are sent as blobs.

    Args:
        digests: SHA-256 of each, in hex.
    """

    digests: Tuple[str, ...]

    def _message(self) -> Message:
        return {"need": list(self.digests)}


class OtherFacts(NamedTuple):
    """The plan was made for other facts than the host has; nothing was done."""

    facts: Facts

    def _message(self) -> Message:
        return {"facts": self.facts.to_json()}


class Failed(NamedTuple):
    """What was asked for cannot be done.

    Args:
        text: Why.
        hint: What to do.
        output: What a program said.
        busy: Another run has the host.
        current_run: That run, if it can be watched.
        died: The run in the background is no more, and has not come to its end.
    """

    text: str
    hint: str = ""
    output: str = ""
    busy: bool = False
    current_run: Optional[RunInfo] = None
    died: bool = False

    def _message(self) -> Message:
        message: Message = {"failed": self.text, "hint": self.hint, "output": self.output}
        if self.current_run is not None:
            message["underway"] = self.current_run.values()
        elif self.busy:
            message["busy"] = True
        if self.died:
            message["died"] = True
        return message


Response = Union[Hello, Answer, Begun, RunEnded, Need, OtherFacts, Failed, Event]
