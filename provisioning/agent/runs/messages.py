"""What controller and agent say to each other: a class for each message.

Both sides use these; on the wire each is a JSON object (see wire.py) with a key of its own. The
names of keys stay as they are: a run in the background may be of an earlier version.
What a host says is checked by the controller before it becomes one of these: protocol/responses.py.

Not dataclasses: to make the class of one takes eight times as long, in each run on both sides.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Callable, Dict, Mapping, NamedTuple, Optional, Sequence, Tuple, Union

from provisioning.agent.events import EVENTS, Event, to_message
from provisioning.agent.facts import Facts
from provisioning.agent.runs.wire import Message

Values = Mapping[str, Any]
"""A resource as it travels: see resource.encode."""


class _Word:
    """A message that says nothing but itself."""

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(type(self))


class RunInfo(NamedTuple):
    """The description of a run that other commands get.

    Args:
        run: Its id.
        who: Who began it, as "user@machine".
        what: What it does, as "deploy of hello 20260102T030405.000Z-abcdef0".
        began: When, in seconds since the epoch.
    """

    run: str
    who: str = ""
    what: str = ""
    began: float = 0.0

    def values(self) -> Dict[str, Any]:
        """Return it as plain values."""
        return self._asdict()


# From the controller


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


class Submit(NamedTuple):
    """A plan to be carried out; the last that is said of it is a `Done`, or `OtherFacts`.

    Args:
        resources: What should be, in order.
        run: The plan's id.
        who, what: See `RunInfo`.
        check: Change nothing.
        diff: Add unified diffs to the events.
        owner: For whom things are made: "project/environment".
        adopt: What a person hands over: ids of things, or paths.
        facts: The digest of the facts that it was made for; "" for any.
        candidates: Packages whose versions belong to these facts though they are not installed.
        final: A run in the background ends with it.
        on_failure: What a run in the background makes true if the plan does not come to its end,
            or if nobody says what comes next; None outside of such a run.
    """

    resources: Sequence[Values]
    run: str
    who: str = "somebody"
    what: str = "a run"
    check: bool = False
    diff: bool = False
    owner: str = ""
    adopt: Tuple[str, ...] = ()
    facts: str = ""
    candidates: Tuple[str, ...] = ()
    final: bool = True
    on_failure: Optional[Sequence[Values]] = None

    def _message(self) -> Message:
        message: Message = {
            "plan": list(self.resources),
            "run": self.run,
            "who": self.who,
            "what": self.what,
            "check": self.check,
            "diff": self.diff,
            "owner": self.owner,
            "adopt": list(self.adopt),
            "facts": self.facts,
            "candidates": list(self.candidates),
            "last": self.final,
        }
        if self.on_failure is not None:
            message["otherwise"] = list(self.on_failure)
        return message


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
            message["next"] = message_of(self.next)
        return message


class End(_Word):
    """End the run in the background; `RunEnded` will come."""

    def _message(self) -> Message:
        return {"end": 1}


class Stop(_Word):
    """End at the next safe point."""

    def _message(self) -> Message:
        return {"stop": 1}


class Ping(_Word):
    """The controller is still there."""

    def _message(self) -> Message:
        return {"ping": 1}


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


def _submit(message: Message) -> Submit:
    return Submit(
        message["plan"],
        message["run"],
        message.get("who", "somebody"),
        message.get("what", "a run"),
        bool(message.get("check")),
        bool(message.get("diff")),
        str(message.get("owner", "")),
        tuple(map(str, message.get("adopt", ()))),
        message.get("facts", ""),
        tuple(message.get("candidates", ())),
        bool(message.get("last")),
        message.get("otherwise"),
    )


def _watch(message: Message) -> Watch:
    then = message.get("next")
    return Watch(
        message["watch"],
        bool(message.get("owner")),
        int(message.get("after", 0)),
        _submit(then) if then is not None else None,
    )


_REQUESTS: Mapping[str, Callable[[Message], Request]] = {
    "ask": lambda message: Ask(
        message["ask"], {name: value for name, value in message.items() if name != "ask"}
    ),
    "plan": _submit,
    "begin": lambda message: Begin(
        message["begin"], message.get("who", "somebody"), message.get("what", "a run")
    ),
    "watch": _watch,
    "end": lambda message: End(),
    "stop": lambda message: Stop(),
    "ping": lambda message: Ping(),
}
"""Key -> what reads the message that has it. In this order: a plan says what to do at the end."""


# From the agent; besides these, events


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


class RunEnded(_Word):
    """A run in the background has nothing more to say."""

    def _message(self) -> Message:
        return {"ended": 1}


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


def message_of(said: Union[Request, Response]) -> Message:
    """Return what one says to the other as it travels."""
    if isinstance(said, EVENTS):
        return to_message(said)
    return said._message()
