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
from provisioning.agent.runs.messages import (
    Answer,
    Ask,
    Begin,
    Begun,
    End,
    Failed,
    Hello,
    Need,
    OtherFacts,
    Ping,
    Request,
    RunEnded,
    RunInfo,
    Stop,
    Submit,
    Watch,
    message_of,
)
from provisioning.agent.runs.wire import FROM_HOST, Decoder, WireError, pack, pack_blob
from provisioning.errors import ConnectionLostError, HomeportError, ResourceFailedError
from provisioning.protocol.payload import MARKER_BYTES, Payload
from provisioning.protocol.responses import response_of
from provisioning.protocol.shapes import ShapeError
from provisioning.protocol.submission import Submission
from provisioning.protocol.transitions import HEARD, OUR_RUN, SAID, Resume, State, kind_of

MAX_BANNER_BYTES = 64 * 1024
"""How much a login shell may print before the agent's first message."""

OVER = "cannot understand the agent any more, or cannot reach it"


@dataclass(frozen=True)
class Said:
    """The host is getting ready and says how far it is."""

    text: str


Heard: TypeAlias = Said | Hello | Answer | OtherFacts | Begun | RunEnded | events.Event


class HostBusyError(ResourceFailedError):
    """Another run is in progress on the host.

    Args:
        current_run: The run, if it can be watched.
    """

    def __init__(self, message: str, *, current_run: RunInfo | None = None, **more: str) -> None:
        super().__init__(message, **more)
        self.current_run = current_run


class RunDiedError(ResourceFailedError):
    """A run on the host ended without a result, and this command had not stopped it."""

    def __init__(
        self,
        message: str,
        *,
        hint: str = "run it again: that completes what was interrupted",
        **more: str,
    ) -> None:
        super().__init__(message, hint=hint, **more)


class NotNowError(Exception):
    """The controller would say what cannot be said now: a mistake of this program."""


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
        self._is_over = False
        self.exchanges = 0
        self.sent_agent = False
        self._messages_of_run = 0
        self._asked_for_contents = False
        self._state = State.STARTING
        self._plan = ""

    @property
    def has_run(self) -> bool:
        """Whether a run of this command in the background has not reported its end yet."""
        return self._state in OUR_RUN

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
        """Return the bytes to send now, and forget them."""
        data = bytes(self._out)
        self._out.clear()
        return data

    def ask(self, question: str, **values: Any) -> None:
        """Ask for something that changes nothing; `Answer` will come."""
        self._request(Ask(question, values))

    def begin(self, run: str, *, who: str, what: str) -> None:
        """Begin a run in the background; `Begun` will come."""
        self._messages_of_run = 0
        self._request(Begin(run, who, what))

    def watch(self, run: str) -> None:
        """Follow a run in the background that another command began, from its beginning."""
        self._request(Watch(run))

    def resume(self, run: str, after: int, submission: Submission | None = None) -> None:
        """Reconnect to a run of this command that began over another connection.

        Args:
            run: Its id.
            after: How many of its messages were heard: the other session's `heard_of_run`.
            submission: The plan that it is at, or that was lost with the other connection; None if
                it waits for the next one.
        """
        self._messages_of_run = after
        then = self._submit(submission) if submission is not None else None
        self._request(Watch(run, owner=True, after=after, next=then), Resume)

    def end_run(self) -> None:
        """End the run in the background; `RunEnded` will come."""
        self._send(End())

    def submit(self, submission: Submission) -> None:
        """Send a plan; events will come, the last of them `Done`."""
        self._request(self._submit(submission))

    def ping(self) -> None:
        """Say that we are still here."""
        self._out += pack(message_of(Ping()))

    def stop(self) -> None:
        """Ask the agent to end at the next safe point."""
        self._out += pack(message_of(Stop()))

    def end(self) -> None:
        """Say nothing more, and believe nothing: the connection is lost."""
        self._is_over = True

    def _submit(self, submission: Submission) -> Submit:
        self._blobs = dict(submission.plan.blobs)
        self._plan = submission.plan.run
        return submission.request()

    def _request(self, request: Request, kind: type | None = None) -> None:
        self._send(request, kind)
        self.exchanges += 1

    def _send(self, request: Request, kind: type | None = None) -> None:
        """Say something for which it must be the time; `kind` is what the table calls it."""
        if self._is_over:
            raise ConnectionLostError(OVER)
        kind = kind or type(request)
        if (self._state, kind) not in SAID:
            raise NotNowError(f"{kind.__name__} cannot be said while {self._state.name}")
        self._state = SAID[self._state, kind]
        self._out += pack(message_of(request))

    def receive(self, data: bytes) -> Iterable[Heard | HomeportError]:
        """Read received bytes and yield the messages in them.

        That the host cannot go on with something is yielded too, in its place among the others.

        Raises:
            ConnectionLostError: what came is not from an agent of ours, or came after that.
        """
        if self._is_over:
            raise ConnectionLostError(OVER)
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
                self._is_over = True
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
                        "the login shell prints endless output before it runs a command",
                        hint="check ~/.bashrc and ~/.profile on the host",
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
        said = response_of(message)
        kind = kind_of(said, self._plan)
        if (self._state, kind) not in HEARD:
            raise ShapeError(f"{kind.__name__} cannot come while {self._state.name}")
        self._state = HEARD[self._state, kind]
        self._messages_of_run += 1
        self._asked_for_contents = isinstance(said, Need)
        if isinstance(said, Need):
            self._send_contents(said.digests)
        elif isinstance(said, Failed):
            yield _failure(said)
        else:
            yield said

    def _send_contents(self, digests: Iterable[str]) -> None:
        self.exchanges += 1
        for digest in digests:
            # Each once: a host that asked for the same again and again would fill our memory.
            data = self._blobs.pop(digest, None)
            if data is None:
                raise ShapeError(
                    f"{digest[:64]} is not a content of the plan that is still to be sent"
                )
            self._out += pack_blob(data)


def _failure(failed: Failed) -> HomeportError:
    words = {"hint": failed.hint, "output": failed.output}
    if failed.busy:
        return HostBusyError(failed.text, current_run=failed.current_run, **words)
    if failed.died:
        return RunDiedError(failed.text, **words)
    return ResourceFailedError(failed.text, **words)
