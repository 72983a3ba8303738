"""A command that runs at set times."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Iterable, Tuple

from provisioning.agent.blob import Blob
from provisioning.agent.claims import Claim
from provisioning.agent.machine.system import System
from provisioning.agent.machine.systemd import unexpanded
from provisioning.agent.resource import Change, Resource, State, differences
from provisioning.agent.resources.service import Service
from provisioning.agent.resources.unit import Unit


@dataclass(frozen=True)
class Timer(Resource):
    """Have a command run at set times, as a systemd timer (instead of a line in a crontab).

    Its output is in the journal, and runs never overlap; one missed while the host was off
    is made up for at boot.

    Args:
        label: Name of the timer and its service.
        calendar: When, in systemd.time(7)'s terms: "daily", "*-*-* 03:00", "Mon 06:30".
        command: A line for /bin/sh.
        user: Who runs it.
        description: Shown by `systemctl list-timers`.
    """

    kind: ClassVar[str] = "timer"

    label: str
    calendar: str
    command: str
    user: str = "root"
    description: str = ""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9][\w.-]*", self.label):
            raise ValueError(f"a timer cannot be named {self.label!r}")
        if "\n" in self.command + self.calendar + self.description:
            raise ValueError(f"timer {self.label}: its values must be single lines")

    @property
    def name(self) -> str:
        return self.label

    @property
    def _service_unit(self) -> Unit:
        # Source: systemd.service(5), "COMMAND LINES": what must be quoted in ExecStart.
        line = self.command.replace("\\", "\\\\").replace('"', '\\"')
        line = unexpanded(line.replace("%", "%%"))
        return Unit(
            f"{self.label}.service",
            f"[Unit]\nDescription={self.description or self.label}\n\n"
            f"[Service]\nType=oneshot\nUser={self.user}\n"
            f'ExecStart=/bin/sh -c "{line}"\n',
        )

    @property
    def _timer_unit(self) -> Unit:
        return Unit(
            f"{self.label}.timer",
            f"[Unit]\nDescription={self.description or self.label} (timer)\n\n"
            f"[Timer]\nOnCalendar={self.calendar}\nPersistent=true\n\n"
            "[Install]\nWantedBy=timers.target\n",
        )

    @property
    def _service(self) -> Service:
        service, timer = self._service_unit, self._timer_unit
        digest = " ".join(str(unit.desired()["content"])[:16] for unit in (service, timer))
        return Service(
            f"{self.label}.timer",
            loaded=digest,
            started=digest,
            restart_on=(service, timer),
            label=f"timer {self.label}",
        )

    @property
    def _parts(self) -> Tuple[Resource, ...]:
        return (self._service_unit, self._timer_unit, self._service)

    @property
    def unit(self) -> str:
        """The unit whose state is read."""
        return f"{self.label}.timer"

    def blobs(self) -> Iterable[Blob]:
        return (*self._service_unit.blobs(), *self._timer_unit.blobs())

    def missing(self, system: System) -> Iterable[Blob]:
        return ()

    def claims(self) -> Iterable[Claim]:
        return (*self._service_unit.claims(), *self._timer_unit.claims())

    def desired(self) -> State:
        return {
            f"{part.name} {name}": value
            for part in self._parts
            for name, value in part.desired().items()
        }

    def actual(self, system: System) -> State:
        return {
            f"{part.name} {name}": value
            for part in self._parts
            for name, value in part.actual(system).items()
        }

    def apply(self, system: System, change: Change) -> None:
        for part in self._parts:
            difference = differences(part.desired(), part.actual(system))
            if difference:
                part.apply(system, difference)

    def text_changes(self, system: System) -> Iterable[Tuple[str, bytes, bytes]]:
        yield from self._service_unit.text_changes(system)
        yield from self._timer_unit.text_changes(system)
