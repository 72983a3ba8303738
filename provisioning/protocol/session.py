"""The conversation with an agent, without I/O: bytes in, bytes out.

`Session` keeps no socket and starts no thread: `receive` takes what came and returns what
it means, `outgoing` takes what must be sent. `hosts/client.py` moves the bytes.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from provisioning.agent import events
from provisioning.agent.facts import Facts
from provisioning.agent.runs.wire import (
    FROM_HOST,
    Decoder,
    WireError,
    pack,
    pack_blob,
)
from provisioning.errors import (
    ConnectionLostError,
    HomeportError,
    ResourceFailedError,
)
from provisioning.protocol.answers import (
    BEGUN,
    FACTS,
    FAILURE,
    HELLO,
    NEED,
    event,
)
from provisioning.protocol.payload import MARKER_BYTES, Payload
from provisioning.protocol.shapes import ShapeError
from provisioning.protocol.submission import Submission

MAX_BANNER_BYTES = 64 * 1024
"""How much a login shell may print before the agent speaks."""


@dataclass(frozen=True)
class Ready:
    """The agent is there.

    Args:
        python: Its interpreter's version.
    """

    python: str


@dataclass(frozen=True)
class Said:
    """The host is getting ready and says how far it is."""

    text: str


@dataclass(frozen=True)
class Answered:
    """The answer to a question."""

    value: Any


@dataclass(frozen=True)
class OtherFacts:
    """The plan was made for other facts than the host has; nothing was done."""

    facts: Facts


@dataclass(frozen=True)
class Begun:
    """A run in the background has the host.

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


@dataclass(frozen=True)
class RunEnded:
    """A run in the background has nothing more to say."""


Heard: TypeAlias = Ready | Said | Answered | OtherFacts | Begun | RunEnded | events.Event


class HostBusyError(ResourceFailedError):
    """Another run is at work on the host.

    Args:
        current_run: The run, if it can be watched.
    """

    def __init__(self, message: str, *, current_run: Begun | None = None, **more: str) -> None:
        super().__init__(message, **more)
        self.current_run = current_run


class RunDiedError(ResourceFailedError):
    """A run came to no end on the host, and nobody here had asked for that."""

    def __init__(
        self,
        message: str,
        *,
        hint: str = "run it again: what was cut off is completed",
        **more: str,
    ) -> None:
        super().__init__(message, hint=hint, **more)


class Session:
    """One conversation, from the command that starts the agent to its last frame.

    Args:
        payload: The agent's code.
    """

    def __init__(self, payload: Payload) -> None:
        self._payload = payload
        self._marker = secrets.token_hex(MARKER_BYTES)
        self._banner = bytearray()
        self._decoder: Decoder | None = None
        self._out = bytearray()
        self._blobs: dict[str, bytes] = {}
        self._is_broken = False
        self.exchanges = 0
        self.sent_agent = False
        self._messages_of_run = 0
        self._asked_for_contents = False

    @property
    def heard_of_run(self) -> int:
        """How many messages of the run in the background need not be said again.

        Of those since it was begun, that one counted. That it needs contents is one of them only
        when it has said something else since: they may have been lost on their way to it.
        """
        return self._messages_of_run - self._asked_for_contents

    @property
    def command(self) -> str:
        """The shell command that starts the agent, to be run as root."""
        return self._payload.command(self._marker)

    def outgoing(self) -> bytes:
        """Return what is to be sent now, and forget it."""
        data = bytes(self._out)
        self._out.clear()
        return data

    def ask(self, question: str, **values: Any) -> None:
        """Ask for something that changes nothing; `Answered` will come."""
        self.exchanges += 1
        self._out += pack({"ask": question, **values})

    def begin(self, run: str, *, who: str, what: str) -> None:
        """Begin a run in the background; `Begun` will come."""
        self.exchanges += 1
        self._messages_of_run = 0
        self._out += pack({"begin": run, "who": who, "what": what})

    def watch(self, run: str) -> None:
        """Hear a run in the background that somebody else has begun, from its beginning."""
        self.exchanges += 1
        self._out += pack({"watch": run})

    def resume(self, run: str, after: int, submission: Submission | None = None) -> None:
        """Take up a run of ours again that was begun over another connection.

        Args:
            run: Its id.
            after: How many of its messages were heard: the other session's `heard_of_run`.
            submission: The plan that it is at, or that was lost with the other connection; None if
                it waits for the next one.
        """
        self.exchanges += 1
        self._messages_of_run = after
        message: dict[str, Any] = {"watch": run, "owner": True, "after": after}
        if submission is not None:
            self._blobs = dict(submission.plan.blobs)
            message["next"] = submission.message()
        self._out += pack(message)

    def end_run(self) -> None:
        """End the run in the background; `RunEnded` will come."""
        self._out += pack({"end": 1})

    def submit(self, submission: Submission) -> None:
        """Send a plan; events will come, the last of them `Done`."""
        self.exchanges += 1
        self._blobs = dict(submission.plan.blobs)
        self._out += pack(submission.message())

    def ping(self) -> None:
        """Say that we are still here."""
        self._out += pack({"ping": 1})

    def stop(self) -> None:
        """Ask the agent to end at the next safe point."""
        self._out += pack({"stop": 1})

    def receive(self, data: bytes) -> Iterable[Heard | HomeportError]:
        """Take bytes that came and yield what they mean.

        That the host cannot go on with something is yielded too, in its place among the others.

        Raises:
            ConnectionLostError: what came is not from an agent of ours, or came after that.
        """
        if self._is_broken:
            raise ConnectionLostError("cannot understand the agent any more")
        if self._decoder is None:
            yield from self._before_the_agent(data)
        else:
            self._decoder.feed(data)
        if self._decoder is not None:
            try:
                for frame in self._decoder:
                    if isinstance(frame, dict):
                        yield from self._message(frame)
            except (WireError, ShapeError) as error:
                # Where the next frame would begin is not known.
                self._is_broken = True
                raise ConnectionLostError(f"cannot understand the agent: {error}") from error

    def _before_the_agent(self, data: bytes) -> Iterable[Heard | HomeportError]:
        self._banner += data
        marker = self._marker.encode()
        while self._decoder is None:
            start = self._banner.find(b"\n" + marker + b" ")
            end = self._banner.find(b"\n", start + 1) if start >= 0 else -1
            if end < 0:
                if len(self._banner) > MAX_BANNER_BYTES:
                    raise ConnectionLostError(
                        "the login shell prints without end before a command runs",
                        hint="look into ~/.bashrc and ~/.profile on the host",
                    )
                return
            line = self._banner[start + len(marker) + 2 : end].decode(errors="replace")
            del self._banner[:end]
            word, _, text = line.partition(" ")
            if word == "say":
                yield Said(text)
            elif word == "fail":
                yield ResourceFailedError(text)
                return
            else:
                self._start(needs_agent=word == "agent?")

    def _start(self, *, needs_agent: bool) -> None:
        if needs_agent:
            # The agent's code goes before whatever was to be sent.
            self._out[:0] = self._payload.data
            self.sent_agent = True
        self._decoder = Decoder(FROM_HOST)
        self._decoder.feed(bytes(self._banner[1:]))
        self._banner.clear()

    @property
    def started(self) -> bool:
        """Whether the agent is there, so that frames may be sent."""
        return self._decoder is not None

    def _message(self, message: Mapping[str, Any]) -> Iterable[Heard | HomeportError]:
        self._messages_of_run += 1
        self._asked_for_contents = "need" in message
        if "event" in message:
            yield events.from_message(event(message, "event"))
        elif "need" in message:
            self._send_contents(NEED(message, "message")["need"])
        elif "hello" in message:
            yield Ready(HELLO(message, "message")["hello"]["python"])
        elif "answer" in message:
            yield Answered(message["answer"])
        elif "begun" in message:
            yield Begun(**BEGUN(message["begun"], "begun"))
        elif "ended" in message:
            yield RunEnded()
        elif "facts" in message:
            yield OtherFacts(Facts.from_json(FACTS(message["facts"], "facts")))
        elif "failed" in message:
            yield _failure(FAILURE(message, "message"))

    def _send_contents(self, digests: Iterable[str]) -> None:
        self.exchanges += 1
        for digest in digests:
            # Each once: a host that asked for the same again and again would fill our memory.
            data = self._blobs.pop(digest, None)
            if data is None:
                raise ShapeError(f"{digest[:64]} is no content of the plan that was not sent yet")
            self._out += pack_blob(data)


def _failure(message: Mapping[str, Any]) -> HomeportError:
    words = {"hint": message.get("hint", ""), "output": message.get("output", "")}
    if "underway" in message:
        current_run = Begun(**message["underway"])
        return HostBusyError(message["failed"], current_run=current_run, **words)
    if message.get("busy"):
        return HostBusyError(message["failed"], **words)
    if message.get("died"):
        return RunDiedError(message["failed"], **words)
    return ResourceFailedError(message["failed"], **words)
