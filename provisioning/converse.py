"""Move a session's bytes over a channel, and keep its lease."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from provisioning.agent import events
from provisioning.agent.facts import Facts
from provisioning.errors import ConnectionLostError
from provisioning.plan import Plan
from provisioning.session import Answered, Heard, OtherFacts, Ready, Session

PING_EVERY_S = 5.0
"""The agent takes 30 s without a word for a lost connection."""

POLL_S = 0.2
"""How soon Ctrl-C is passed on while the agent has nothing to say."""


class Channel(Protocol):
    """A byte pipe to one program on a host; see provisioning.transport."""

    def send(self, data: bytes) -> None:
        """Hand bytes over."""

    def receive(self, timeout_s: float | None = None) -> bytes:
        """Return some bytes, or none when the program's output has ended."""

    def stderr_tail(self) -> str:
        """Return the last lines of stderr."""

    def close(self) -> None:
        """End the program."""


@dataclass(frozen=True)
class Ended:
    """A plan was carried out as far as it could be."""

    done: events.Done


class Conversation:
    """One host's agent, from its start to its end.

    Args:
        session: The sans-I/O half.
        open_channel: Starts a command as root on the host.
        heard: Called with everything the agent says.
    """

    def __init__(
        self,
        session: Session,
        open_channel: Callable[[str], Channel],
        heard: Callable[[Heard], None],
    ) -> None:
        self._session = session
        self._open_channel = open_channel
        self._heard = heard
        self._channel: Channel | None = None
        self._pinged = time.monotonic()
        self._stop = threading.Event()

    def __enter__(self) -> Conversation:
        return self

    def __exit__(self, *_: object) -> None:
        if self._channel is not None:
            self._channel.close()

    def start(self) -> Ready:
        """Start the agent.

        Raises:
            HomeportError: the host cannot run it.
        """
        self._channel = self._open_channel(self._session.command)
        ready: Ready = self._until(Ready)
        return ready

    def ask(self, question: str, **values: Any) -> Any:
        """Ask for something that changes nothing."""
        self._session.ask(question, **values)
        return self._until(Answered).value

    def submit(
        self, plan: Plan, *, who: str, check: bool = False, diff: bool = False
    ) -> Ended | OtherFacts:
        """Have a plan carried out.

        Returns:
            How it ended; or the facts that the host has, if the plan was made for others.

        Raises:
            ConnectionLostError: the connection ended first: the host's state is unknown.
        """
        self._session.submit(plan, who=who, check=check, diff=diff)
        heard = self._until(events.Done, OtherFacts)
        return heard if isinstance(heard, OtherFacts) else Ended(heard)

    def stop(self) -> None:
        """Have the agent end at the next safe point. Callable from another thread."""
        self._stop.set()

    def _until(self, *kinds: Any) -> Any:
        """Move bytes until one of these is heard, and return it."""
        assert self._channel is not None
        while True:
            self._flush()
            try:
                data = self._channel.receive(POLL_S)
            except TimeoutError:
                continue
            if not data:
                raise ConnectionLostError(
                    "the connection ended before the agent was done: the host's state is unknown",
                    hint="run again: what was cut off is completed",
                    output=self._channel.stderr_tail(),
                )
            found = None
            for heard in self._session.receive(data):
                if isinstance(heard, kinds):
                    found = heard
                self._heard(heard)
            if found is not None:
                return found

    def _flush(self) -> None:
        assert self._channel is not None
        if not self._session.started:
            return
        if self._stop.is_set():
            self._stop.clear()
            self._session.stop()
        if time.monotonic() - self._pinged > PING_EVERY_S:
            self._pinged = time.monotonic()
            self._session.ping()
        data = self._session.outgoing()
        if data:
            self._channel.send(data)


def facts_of(conversation: Conversation) -> Facts:
    """Ask a host for its facts."""
    return Facts.from_json(conversation.ask("facts"))
