"""One host during one command: its connection, its agent, and what they said."""

from __future__ import annotations

import getpass
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from provisioning.agent.events import FAILED, Finished
from provisioning.agent.facts import Facts
from provisioning.agent.runs.messages import OtherFacts, RunInfo
from provisioning.errors import ConnectionLostError, HomeportError, InterruptedRunError
from provisioning.hosts.agent_link import AgentLink
from provisioning.hosts.background_run import BackgroundRun
from provisioning.hosts.client import Ended
from provisioning.protocol import queries
from provisioning.protocol.plan import Plan, make_plan
from provisioning.protocol.queries import Query
from provisioning.protocol.session import Heard, RunDiedError
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


@dataclass(frozen=True)
class Place:
    """Where the controller reaches a host.

    Args:
        address: Its name or address; "" if it is reached through another host only.
        ssh_port: The port of its SSH server.
    """

    address: str = ""
    ssh_port: int = 22


class RemoteHost:
    """One host during one command.

    Args:
        name: The host's name.
        open_channel: Connects if need be, and starts a command as root.
        counters: What the connections have cost so far.
        sink: Where events go besides the report.
        mode: How plans are carried out.
        place: Where it is reached, once it is connected to.
    """

    def __init__(
        self,
        name: str,
        open_channel: Callable[[str], Channel],
        *,
        counters: Callable[[], Counters],
        sink: Sink,
        mode: Mode = Mode(),
        place: Callable[[], Place] = Place,
    ) -> None:
        self.name = name
        self.report = HostReport(name)
        self.place = place
        self.at_work = False
        """Whether a plan is being carried out right now."""
        self._sink = sink
        self._mode = mode
        self._open_channel = open_channel
        self._counters = counters
        self._began = time.monotonic()
        self._link = AgentLink(open_channel, self._heard)
        self._run = BackgroundRun(name, self._link, self.note)
        self._ended = False
        self._listener: Callable[[Heard], None] | None = None
        self._plan: Plan | None = None

    def _heard(self, heard: Heard) -> None:
        if self._listener is not None:
            self._listener(heard)
            return
        if isinstance(heard, Finished) and heard.status == FAILED and self._plan:
            # "web.conf:12" is a line of what was rendered; a person edits the template.
            heard = replace(heard, output=annotate(heard.output, self._plan.texts()))
            if role := self._plan.roles.get(heard.id):
                heard = replace(heard, message=f"{heard.message} (role {role})")
        self.report.hear(heard)
        self._sink.heard(self.name, heard)

    def start(self) -> None:
        """Connect and start the agent, unless that has been done."""
        self._link.start()

    def ask(self, query: Query[T]) -> T:
        """Ask the agent for something that changes nothing: see protocol/queries.py."""
        return self._link.ask(query)

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
        submission = replace(self._submission(plan, what), final=final, on_failure=on_failure)
        try:
            ended = self._link.client.submit(submission)
        except ConnectionLostError as lost:
            ended = self._run.resume(submission, lost)
        if isinstance(ended, Ended) and ended.done.stopped:
            self._must_have_been_asked_to_stop()
        return ended

    def _submission(self, plan: Plan, what: str) -> Submission:
        mode = self._mode
        return Submission(
            plan, who(), what,
            check=mode.check, diff=mode.diff, owner=mode.owner, adopt=mode.adopt,
        )  # fmt: skip

    def preview(self) -> Preview:
        """Return what carries out plans as checks of which nobody is told; it keeps a report."""
        return Preview(self)

    def check_silently(self, plan: Plan, report: HostReport) -> Ended | OtherFacts:
        """Have a plan checked, whatever the mode, and only a report hear of it."""
        self.start()
        self._listener = report.hear
        submission = replace(self._submission(plan, "check"), check=True, diff=False)
        try:
            with self._link.speaking:
                return self._link.client.submit(submission)
        finally:
            self._listener = None

    def _must_have_been_asked_to_stop(self) -> None:
        if not self.is_stopping:
            raise RunDiedError(
                "the run was stopped on the host before its end: the host went down, it heard "
                "nothing from the controller for too long, or its unit was stopped"
            )

    def begin(self, what: str) -> None:
        """Begin a run in the background, which locks the host until its end, even if we go.

        Raises:
            HostBusyError: another run is at work there.
        """
        self._run.begin(who(), what)

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
        self._link.connect_again()

    @property
    def is_stopping(self) -> bool:
        """Whether a person has asked to stop."""
        return self._link.stopping

    @property
    def has_host(self) -> bool:
        """Whether a run of this command in the background has the host's lock."""
        return self._run.has_host

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
            with self._link.speaking:
                ended = self.carry_out(plan, final=final, on_failure=make_plan(on_failure))
        except RunDiedError:
            self._run.has_ended()
            if self.is_stopping:
                # Nothing was asked of it any more.
                raise InterruptedRunError("interrupted", hint="run it again") from None
            raise
        finally:
            self.at_work = False
        assert isinstance(ended, Ended)
        if not ended.done.more:
            self._run.has_ended()
        return not (ended.done.failed or ended.done.stopped)

    def current_run(self) -> RunInfo | None:
        """Return the run in the background on the host, if there is one."""
        return self.ask(queries.current_run())

    def watch(self, run: str) -> None:
        """Follow a run in the background that another command began, to its end.

        Raises:
            RunDiedError: it came to none, and nobody here had asked for that.
        """
        self.start()
        self._link.client.watch(run)
        if self.report.stopped:
            self._must_have_been_asked_to_stop()

    def keep_alive(self) -> None:
        """Say to a host that waits that we are still here; callable from another thread.

        If the connection is lost, another one is made: its run must not give us up.
        """
        self._run.keep_alive()

    def let_go(self) -> None:
        """End our run in the background, if there still is one."""
        if not self.at_work:
            self._run.let_go()

    def stop(self) -> None:
        """End the current run at the next safe point."""
        self._link.stopping = True
        if self.at_work or not self.has_host:
            self._link.client.stop()

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
        self._link.close()

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


class Preview:
    """Plans of one host that are checked, and no more.

    Args:
        run: The host.
    """

    def __init__(self, run: RemoteHost) -> None:
        self._run = run
        self.report = HostReport(run.name)

    def carry_out(self, plan: Plan) -> Ended | OtherFacts:
        """Have a plan checked; the report then has what it would change."""
        return self._run.check_silently(plan, self.report)
