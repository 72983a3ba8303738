"""One host during one command: its connection, its agent, and what they said."""

from __future__ import annotations

import getpass
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from provisioning.agent.events import FAILED, Finished
from provisioning.agent.facts import Facts
from provisioning.converse import Conversation, Ended, facts_of
from provisioning.errors import HomeportError
from provisioning.payload import agent_payload
from provisioning.plan import Plan, make_plan
from provisioning.render import annotate
from provisioning.report import HostReport, Sink
from provisioning.session import Heard, OtherFacts, Session

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
    """

    check: bool = False
    diff: bool = False


class HostRun:
    """One host during one command.

    Args:
        name: The host's name.
        open_channel: Connects if need be, and starts a command as root.
        counters: What the connection has cost so far.
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
        self.known_facts = Facts()
        self._sink = sink
        self._mode = mode
        self._counters = counters
        self._began = time.monotonic()
        self._session = Session(agent_payload())
        self._conversation = Conversation(self._session, open_channel, self._heard)
        self._started = self._ended = False
        self._open_channel = open_channel
        self._plan: Plan | None = None

    def _heard(self, heard: Heard) -> None:
        if isinstance(heard, Finished) and heard.status == FAILED and self._plan:
            # "nginx.conf:12" is a line of what was rendered; a person edits the template.
            heard = replace(heard, output=annotate(heard.output, self._plan.texts()))
        self.report.hear(heard)
        self._sink.heard(self.name, heard)

    def start(self) -> None:
        """Connect and start the agent, unless that has been done."""
        if not self._started:
            self._conversation.start()
            self._started = True

    def ask(self, question: str, **values: object) -> object:
        """Ask the agent for something that changes nothing."""
        self.start()
        return self._conversation.ask(question, **values)

    def facts(self) -> Facts:
        """Ask for the host's facts."""
        self.start()
        return facts_of(self._conversation)

    def carry_out(self, plan: Plan) -> Ended | OtherFacts:
        """Have a plan carried out."""
        self.start()
        self._plan = plan
        return self._conversation.submit(
            plan, who=who(), check=self._mode.check, diff=self._mode.diff
        )

    def converge(self, resources: Iterable[Resource]) -> bool:
        """Have resources brought to their desired state, whatever the facts.

        Returns:
            Whether all of them are.
        """
        ended = self.carry_out(make_plan(resources))
        assert isinstance(ended, Ended)
        return not (ended.done.failed or ended.done.stopped)

    def stop(self) -> None:
        """Have the agent end at the next safe point."""
        self._conversation.stop()

    def note(self, text: str) -> None:
        """Tell the person something about this host."""
        self._sink.note(text, self.name)

    def fail(self, error: HomeportError) -> None:
        """Remember why this host could not be worked on."""
        self.report.error = error

    def open(self, command: str) -> Channel:
        """Start a command as root besides the agent."""
        return self._open_channel(command)

    def close(self) -> None:
        """End the agent; the connection stays."""
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
