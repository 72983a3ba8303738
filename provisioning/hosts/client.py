"""Move a session's bytes over a channel, and keep its lease."""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from provisioning.agent import events
from provisioning.agent.runs.messages import Answer, Begun, Hello, OtherFacts, RunEnded
from provisioning.errors import ConnectionLostError, HomeportError
from provisioning.protocol.plan import Plan
from provisioning.protocol.queries import Query
from provisioning.protocol.session import Heard, RunDiedError, Session
from provisioning.protocol.shapes import ShapeError
from provisioning.protocol.submission import Submission

T = TypeVar("T")

PING_EVERY_S = 5.0
"""Silence of 30 s means a lost connection to the agent, and of 60 s to a run in the background."""

ENDS_WITHIN_S = 5.0
"""How long to wait for a run in the background that was asked to end: it also ends without us."""

RUN_AGAIN = "run the command again; it resumes where it stopped"

POLL_S = 0.2
"""How soon Ctrl-C is passed on while the agent sends nothing."""


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


class AgentClient:
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
        # The first ping goes with the first request: from then on a silence is noticed there.
        self._pinged = float("-inf")
        self._stop = threading.Event()
        # What was said, and not yet looked at; an error stands where it was said.
        self._said: deque[Heard | Exception] = deque()
        # The session is also asked for pings, by another thread.
        self._session_lock = threading.Lock()

    def __enter__(self) -> AgentClient:
        return self

    def __exit__(self, *_: object) -> None:
        if self._channel is not None:
            self._channel.close()

    @property
    def heard_of_run(self) -> int:
        """How much was heard of the run in the background: see `Session.resume`."""
        return self._session.heard_of_run

    def start(self) -> Hello:
        """Start the agent.

        Raises:
            HomeportError: the host cannot run it.
        """
        self._channel = self._open_channel(self._session.command)
        hello: Hello = self._until(Hello)
        return hello

    def ask(self, query: Query[T]) -> T:
        """Ask for something that changes nothing.

        Args:
            query: See protocol/queries.py.

        Raises:
            ConnectionLostError: what came is no answer to it, or the connection ended first.
        """
        with self._session_lock:
            self._session.ask(query.name, **query.values)
        answer = self._until(Answer).value
        try:
            return query.read(answer)
        except ShapeError as error:
            raise ConnectionLostError(f"cannot understand the agent: {error}") from error

    def submit(self, submission: Submission) -> Ended | OtherFacts:
        """Have a plan carried out.

        Returns:
            How it ended; or the facts that the host has, if the plan was made for others.

        Raises:
            ConnectionLostError: the connection ended first: the host's state is unknown.
        """
        with self._session_lock:
            self._session.submit(submission)
        return self._end_of(submission.plan)

    def begin(self, run: str, *, who: str, what: str) -> None:
        """Begin a run in the background: what follows is done by it, with the host's lock.

        Raises:
            HostBusyError: another run is at work there.
        """
        with self._session_lock:
            self._session.begin(run, who=who, what=what)
        self._until(Begun)

    def watch(self, run: str) -> None:
        """Follow a run in the background that another command began, to its end."""
        with self._session_lock:
            self._session.watch(run)
        self._until(RunEnded)

    def resume(self, run: str, after: int, submission: Submission) -> Ended | OtherFacts:
        """Reconnect to a run of this command, and follow its current plan to its end.

        Args:
            run, after, submission: See `Session.resume`.
        """
        with self._session_lock:
            self._session.resume(run, after, submission)
        return self._end_of(submission.plan)

    def take_up(self, run: str, after: int) -> None:
        """Reconnect to a run of this command that waits for its next plan.

        Args:
            run, after: See `Session.resume`.
        """
        with self._session_lock:
            self._session.resume(run, after)
        self._flush()

    def _end_of(self, plan: Plan) -> Ended | OtherFacts:
        """Hear a plan to its end; what is said of the end of others is not about it.

        Raises:
            RunDiedError: the run that was to carry it out has ended before.
        """
        while True:
            heard = self._until(events.Done, OtherFacts, RunEnded)
            if isinstance(heard, OtherFacts):
                return heard
            if isinstance(heard, RunEnded):
                raise RunDiedError(
                    "the run on the host ended while it waited for its next plan: it heard "
                    "nothing from the controller for too long, or it was stopped on the host"
                )
            if heard.run == plan.run:
                self._hear_end_of_run(heard)
                return Ended(heard)

    def _hear_end_of_run(self, done: events.Done) -> None:
        """Hear to its end a run whose last plan is done: what is said next is for the agent."""
        if not done.more and self._session.has_run:
            # How the plan has ended is known, whatever becomes of the connection.
            with contextlib.suppress(HomeportError):
                self._until(RunEnded, within_s=ENDS_WITHIN_S)

    def end_run(self) -> None:
        """End this command's run in the background, which may take some time."""
        with self._session_lock:
            self._session.end_run()
        self._until(RunEnded, within_s=ENDS_WITHIN_S)

    def stop(self) -> None:
        """Have the agent end at the next safe point. Callable from another thread."""
        self._stop.set()

    def keep_alive(self) -> None:
        """Say that we are still here, if it is time. Callable from another thread."""
        self._flush()

    def _until(self, *kinds: type, within_s: float = math.inf) -> Any:
        """Move bytes until one of these is heard, and return it; None if that takes too long."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            while self._said:
                heard = self._said.popleft()
                if isinstance(heard, Exception):
                    raise heard
                self._heard(heard)
                if isinstance(heard, kinds):
                    return heard
            try:
                self._flush()
                self._receive()
            except ConnectionLostError:
                self._session.end()
                raise
        return None

    @property
    def _connected(self) -> Channel:
        if self._channel is None:
            raise ConnectionLostError(
                "the connection to the host is closed",
                hint=RUN_AGAIN,
            )
        return self._channel

    def _receive(self) -> None:
        channel = self._connected
        try:
            data = channel.receive(POLL_S)
        except TimeoutError:
            return
        if not data:
            raise ConnectionLostError(
                "the connection ended before the agent was done: the host's state is unknown",
                hint=RUN_AGAIN,
                output=channel.stderr_tail(),
            )
        with self._session_lock:
            try:
                self._said.extend(self._session.receive(data))
            except HomeportError as error:
                self._said.append(error)

    def _flush(self) -> None:
        channel = self._connected
        with self._session_lock:
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
                channel.send(data)
