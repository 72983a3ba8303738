"""One host during one command: its connection, its agent, and what they said."""

from __future__ import annotations

import contextlib
import getpass
import secrets
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from provisioning.agent.events import FAILED, Finished
from provisioning.agent.facts import Facts
from provisioning.agent.runs.messages import OtherFacts, RunInfo
from provisioning.errors import (
    ConfigurationError,
    ConnectionLostError,
    HomeportError,
    HostKeyError,
    InterruptedRunError,
    UnreachableError,
)
from provisioning.hosts.client import AgentClient, Ended
from provisioning.protocol import queries
from provisioning.protocol.payload import agent_payload
from provisioning.protocol.plan import Plan, make_plan
from provisioning.protocol.queries import Query
from provisioning.protocol.session import Heard, RunDiedError, Session
from provisioning.protocol.submission import Submission
from provisioning.render import annotate
from provisioning.report import HostReport, Sink

T = TypeVar("T")

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provisioning.agent.resource import Resource
    from provisioning.transport import Channel, Counters


def who() -> str:
    """Return who runs this command, as hosts and histories name it: "user@machine"."""
    return f"{getpass.getuser()}@{socket.gethostname()}"


@dataclass(frozen=True)
class Mode:
    """How plans are carried out.

    Args:
        check: Change nothing; say what would change.
        diff: Show unified diffs.
        owner: For whom hosts get what they get: "project/environment".
        adopt: What a person hands over of what others made there: ids of things, or paths.
    """

    check: bool = False
    diff: bool = False
    owner: str = ""
    adopt: tuple[str, ...] = ()


RECONNECT_S = 120.0
"""How long to try to reconnect to a host with a run: long enough for a reboot."""

RECONNECT_PAUSE_S = 1.0

LET_GO_S = 5.0
"""How long to wait for a thread that still talks to a host before the run is left alone."""

LOST = "connection lost; the run continues on the host; reconnecting"


class RemoteHost:
    """One host during one command.

    Args:
        name: The host's name.
        open_channel: Connects if need be, and starts a command as root.
        counters: What the connections have cost so far.
        sink: Where events go besides the report.
        mode: How plans are carried out.
    """

    def __init__(
        self,
        name: str,
        open_channel: Callable[[str], Channel],
        *,
        counters: Callable[[], Counters],
        sink: Sink,
        mode: Mode = Mode(),
    ) -> None:
        self.name = name
        self.report = HostReport(name)
        self.at_work = False
        """Whether a plan is being carried out right now."""
        self._sink = sink
        self._mode = mode
        self._open_channel = open_channel
        self._counters = counters
        self._began = time.monotonic()
        self._conversation = self._new_conversation()
        self._started = self._ended = False
        self._stopping = False
        self._plan: Plan | None = None
        # The id of our run in the background, while it has the host; how much was heard of it.
        self._run, self._heard_of_run = "", 0
        # The heartbeat makes lost connections anew, but not while somebody speaks to the host.
        self._speaking = threading.RLock()
        self._is_lost = False

    def _new_conversation(self) -> AgentClient:
        return AgentClient(Session(agent_payload()), self._open_channel, self._heard)

    def _heard(self, heard: Heard) -> None:
        if isinstance(heard, Finished) and heard.status == FAILED and self._plan:
            # "web.conf:12" is a line of what was rendered; a person edits the template.
            heard = replace(heard, output=annotate(heard.output, self._plan.texts()))
            if role := self._plan.roles.get(heard.id):
                heard = replace(heard, message=f"{heard.message} (role {role})")
        self.report.hear(heard)
        self._sink.heard(self.name, heard)

    def start(self) -> None:
        """Connect and start the agent, unless that has been done."""
        if not self._started:
            self._conversation.start()
            self._started = True

    def ask(self, query: Query[T]) -> T:
        """Ask the agent for something that changes nothing: see protocol/queries.py."""
        with self._speaking:
            self.start()
            return self._conversation.ask(query)

    def facts(self, candidates: Iterable[str] = ()) -> Facts:
        """Ask for the host's facts.

        Args:
            candidates: Versions that are needed also of what is not installed.
        """
        return self.ask(queries.facts(candidates))

    def carry_out(
        self,
        plan: Plan,
        what: str = "provision",
        *,
        final: bool = True,
        on_failure: Plan | None = None,
    ) -> Ended | OtherFacts:
        """Have a plan carried out.

        Args:
            plan: The plan.
            what: What it is for, in the words in which others are told of it.
            final, on_failure: See `Submission`.

        Raises:
            RunDiedError: it came to no end on the host, and nobody here had asked for that.
        """
        self.start()
        self._plan = plan
        submission = Submission(
            plan,
            who(),
            what,
            check=self._mode.check,
            diff=self._mode.diff,
            owner=self._mode.owner,
            adopt=self._mode.adopt,
            final=final,
            on_failure=on_failure,
        )
        try:
            ended = self._conversation.submit(submission)
        except ConnectionLostError as lost:
            ended = self._resume(submission, lost)
        if isinstance(ended, Ended) and ended.done.stopped:
            self._must_have_been_asked_to_stop()
        return ended

    def _must_have_been_asked_to_stop(self) -> None:
        if not self._stopping:
            raise RunDiedError(
                "the run was stopped on the host before its end: the host went down, it heard "
                "nothing from the controller for too long, or its unit was stopped"
            )

    def begin(self, what: str) -> None:
        """Begin a run in the background, which locks the host until its end, even if we go.

        Raises:
            HostBusyError: another run is at work there.
        """
        with self._speaking:
            self.start()
            run = secrets.token_hex(8)
            self._conversation.begin(run, who=who(), what=what)
            self._run, self._heard_of_run = run, 0

    def begin_again(self, what: str) -> None:
        """Begin another run over a new connection, after one of this command failed.

        Raises:
            HostBusyError: another run is at work there.
            UnreachableError: the host cannot be connected to.
        """
        self.connect_again()
        self.begin(what)

    def connect_again(self) -> None:
        """Go on over a new connection; whatever the old one was used for has ended with it.

        Raises:
            UnreachableError: the host cannot be connected to.
        """
        self._heard_of_run = max(self._heard_of_run, self._conversation.heard_of_run)
        self._conversation.__exit__()
        self._conversation = self._new_conversation()
        self._conversation.start()

    @property
    def is_stopping(self) -> bool:
        """Whether a person has asked to stop."""
        return self._stopping

    @property
    def has_host(self) -> bool:
        """Whether a run of this command in the background has the host's lock."""
        return bool(self._run)

    def converge(
        self,
        resources: Iterable[Resource],
        *,
        final: bool = True,
        on_failure: Iterable[Resource] = (),
    ) -> bool:
        """Have resources brought to their desired state, by our run in the background.

        Args:
            resources: In order.
            final: Nothing comes after it: the run ends, and the host is free again.
            on_failure: What the run makes true if it does not come to their end, or if
                nobody says what comes next. They need no contents.

        Returns:
            Whether all of them are as desired.

        Raises:
            RunDiedError: it came to no end on the host, and nobody here had asked for that.
        """
        plan = make_plan(resources)
        self.at_work = True
        try:
            with self._speaking:
                ended = self.carry_out(plan, final=final, on_failure=make_plan(on_failure))
        except RunDiedError:
            self._run = ""
            if self._stopping:
                # Nothing was asked of it any more.
                raise InterruptedRunError("interrupted", hint="run it again") from None
            raise
        finally:
            self.at_work = False
        assert isinstance(ended, Ended)
        if not ended.done.more:
            self._run = ""
        return not (ended.done.failed or ended.done.stopped)

    def _resume(self, submission: Submission, lost: ConnectionLostError) -> Ended | OtherFacts:
        """Come back to our run, which goes on without us, and hear how it ends.

        Raises:
            ConnectionLostError: the person does not want to wait for it.
            UnreachableError: the host cannot be reached any more, or is another one by now.
            RunDiedError: the host went down, and the run with it.
            ConfigurationError: what is needed to connect has been removed meanwhile.
        """
        run = self._run
        if not run or self._stopping:
            raise lost
        self.note(LOST)
        deadline = time.monotonic() + RECONNECT_S
        while True:
            # Not ours to end, until it is come back to.
            self._run = ""
            try:
                self.connect_again()
                self._run = run
                return self._conversation.resume(run, self._heard_of_run, submission)
            except (RunDiedError, HostKeyError, ConfigurationError):
                raise  # Trying again does not help.
            except HomeportError as error:
                if self._stopping:
                    raise lost from None
                if time.monotonic() > deadline:
                    raise UnreachableError(
                        f"cannot reach {self.name} again: {error.message}",
                        hint=error.hint or lost.hint,
                        output=error.output or lost.output,
                    ) from None
            time.sleep(RECONNECT_PAUSE_S)

    def current_run(self) -> RunInfo | None:
        """Return the run in the background on the host, if there is one."""
        return self.ask(queries.current_run())

    def watch(self, run: str) -> None:
        """Follow a run in the background that another command began, to its end.

        Raises:
            RunDiedError: it came to none, and nobody here had asked for that.
        """
        self.start()
        self._conversation.watch(run)
        if self.report.stopped:
            self._must_have_been_asked_to_stop()

    def keep_alive(self) -> None:
        """Say to a host that waits that we are still here; callable from another thread.

        If the connection is lost, another one is made: its run must not give us up.
        """
        if not self._run or not self._speaking.acquire(blocking=False):
            return
        try:
            with contextlib.suppress(HomeportError):  # Whoever speaks to it next finds out.
                self._keep_alive()
        finally:
            self._speaking.release()

    def _keep_alive(self) -> None:
        try:
            self._conversation.keep_alive()
        except ConnectionLostError:
            if self._stopping:
                return
            if not self._is_lost:
                self.note(LOST)
            self._is_lost = True
            self.connect_again()
            self._conversation.take_up(self._run, self._heard_of_run)
        self._is_lost = False

    def let_go(self) -> None:
        """End our run in the background, if there still is one."""
        if not self._run or self.at_work or not self._speaking.acquire(timeout=LET_GO_S):
            return
        try:
            self._run = ""
            with contextlib.suppress(HomeportError):  # Without us it ends by itself.
                self._conversation.end_run()
        finally:
            self._speaking.release()

    def stop(self) -> None:
        """End the current run at the next safe point."""
        self._stopping = True
        if self.at_work or not self._run:
            self._conversation.stop()

    def note(self, text: str) -> None:
        """Tell the person something about this host."""
        self._sink.note(text, self.name)

    def fail(self, error: HomeportError) -> None:
        """Remember why this host could not be worked on."""
        self.report.error = error

    def open(self, command: str) -> Channel:
        """Start a command as root, in addition to the agent."""
        return self._open_channel(command)

    def close(self) -> None:
        """End the agent; the connection stays."""
        self.let_go()
        self._conversation.__exit__()

    def end(self) -> HostReport:
        """End the agent, complete the report and show it, once."""
        if self._ended:
            return self.report
        self._ended = True
        self.close()
        counters = self._counters()
        self.report.seconds = time.monotonic() - self._began
        self.report.connections = counters.connections
        self.report.channels = counters.channels
        self.report.turns = counters.turns
        self.report.bytes_sent = counters.bytes_sent
        self.report.bytes_received = counters.bytes_received
        self._sink.ended(self.report)
        return self.report
