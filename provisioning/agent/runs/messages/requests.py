"""What the controller says to the agent."""

from __future__ import annotations

from types import MappingProxyType
from typing import Callable, Mapping, NamedTuple, Optional, Union

from provisioning.agent.runs.messages.submit import Submit, Values, submit_of
from provisioning.agent.runs.messages.word import Word
from provisioning.agent.runs.wire import Message


class Ask(NamedTuple):
    """A query; it is answered by `Answer` or `Failed`.

    Args:
        question: Its name: see agent/queries.
        values: What it needs besides.
    """

    question: str
    values: Values = MappingProxyType({})

    def _message(self) -> Message:
        return {"ask": self.question, **self.values}


class Begin(NamedTuple):
    """Begin a run in the background; the answer is `Begun`, or `Failed` where another has the host.

    Args:
        run, who, what: See `RunInfo`.
    """

    run: str
    who: str = "somebody"
    what: str = "a run"

    def _message(self) -> Message:
        return {"begin": self.run, "who": self.who, "what": self.what}


class Watch(NamedTuple):
    """Hear a run in the background.

    Args:
        run: Its id.
        owner: It is the controller's own, which has lost its connection.
        after: How many of its messages the owner has heard already.
        next: What the run is told before anything else.
    """

    run: str
    owner: bool = False
    after: int = 0
    next: Optional[Submit] = None

    def _message(self) -> Message:
        message: Message = {"watch": self.run}
        if self.owner:
            message.update(owner=True, after=self.after)
        if self.next is not None:
            message["next"] = self.next._message()
        return message


class End(Word):
    """End the run in the background; `RunEnded` will come."""

    key = "end"


class Stop(Word):
    """End at the next safe point."""

    key = "stop"


class Ping(Word):
    """The controller is still there."""

    key = "ping"


class Unreadable(NamedTuple):
    """What no controller says; it is answered by `Failed`.

    Args:
        received: The message.
        why: What is wrong with it.
    """

    received: Message
    why: str

    def _message(self) -> Message:
        return self.received


Request = Union[Ask, Submit, Begin, Watch, End, Stop, Ping, Unreadable]


def request_of(message: Message) -> Request:
    """Return the request in a message of a controller."""
    for key, read in _REQUESTS.items():
        if key in message:
            try:
                return read(message)
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                return Unreadable(message, f"cannot read {key!r}: {error!r}")
    return Unreadable(message, f"unknown message: {', '.join(map(repr, message)) or 'nothing'}")


def _watch(message: Message) -> Watch:
    then = message.get("next")
    return Watch(
        message["watch"],
        bool(message.get("owner")),
        int(message.get("after", 0)),
        submit_of(then) if then is not None else None,
    )


_REQUESTS: Mapping[str, Callable[[Message], Request]] = {
    "ask": lambda message: Ask(
        message["ask"], {name: value for name, value in message.items() if name != "ask"}
    ),
    "plan": submit_of,
    "begin": lambda message: Begin(
        message["begin"], message.get("who", "somebody"), message.get("what", "a run")
    ),
    "watch": _watch,
    "end": lambda message: End(),
    "stop": lambda message: Stop(),
    "ping": lambda message: Ping(),
}
"""Key -> what reads the message that has it. In this order: a plan says what to do at the end."""
