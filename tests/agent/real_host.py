"""An agent on a host of the lab, talked to over ssh."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from provisioning.agent.events import Event, Progress
from provisioning.hosts.client import AgentClient, Ended
from provisioning.lab import Lab, LabHost
from provisioning.protocol.payload import agent_payload
from provisioning.protocol.plan import make_plan
from provisioning.protocol.session import Session
from provisioning.protocol.submission import Submission
from provisioning.resources import Resource
from provisioning.transport import LocalChannel
from tests.agent.runs import Outcome


class RealHost:
    """A host of the lab, with an agent over ssh for each run."""

    def __init__(self, lab: Lab, host: LabHost) -> None:
        self.host = host
        self.exchanges = 0
        self._ssh = ["ssh", "-F", str(lab.ssh_config), host.name]

    def run(
        self,
        resources: Iterable[Resource],
        *,
        check: bool = False,
        said: Callable[[str], None] = lambda text: None,
    ) -> Outcome:
        events: list[Event] = []
        session = Session(agent_payload())

        def heard(event: object) -> None:
            if isinstance(event, Event):
                events.append(event)
            if isinstance(event, Progress):
                said(event.text)

        def channel(command: str) -> LocalChannel:
            return LocalChannel([*self._ssh, command])

        with AgentClient(session, channel, heard) as conversation:
            conversation.start()
            ended = conversation.submit(
                Submission(make_plan(resources), who="test", check=check, diff=True)
            )
            assert isinstance(ended, Ended)
        self.exchanges = session.exchanges
        return Outcome(events)

    def check(self, resources: Iterable[Resource]) -> Outcome:
        return self.run(resources, check=True)

    def everything_on_disk(self) -> set[str]:
        """Return all names, modes, owners and times but those of caches and logs."""
        left_out = " -o ".join(
            f"-path {path}"
            for path in (
                "/var/lib/apt/lists", "/var/cache/apt", "/var/log", "/tmp", "/var/tmp",
                "/var/lib/systemd", "/var/lib/homeport/runs", "/root/.ssh", "/run", "/proc", "/sys",
                "/dev",
            )
        )  # fmt: skip
        return set(
            self.host.shell(
                f"find / -xdev \\( {left_out} \\) -prune -o "
                r"! -path /var/lib ! -path /root -printf '%p %i %m %u %g %s %T@ %l\n'"
            ).splitlines()
        )
