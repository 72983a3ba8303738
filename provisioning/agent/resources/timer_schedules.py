"""Times that systemd understands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Dict, Mapping

from provisioning.agent.errors import AgentError
from provisioning.agent.machine.system import System
from provisioning.agent.resource import Change, Resource, State, Value, normalise


@dataclass(frozen=True)
class TimerSchedules(Resource):
    """Have nothing but times that the host's systemd understands, before anything is done.

    Args:
        app: The app's name.
        times: Timer -> when, in systemd.time(7)'s terms.
    """

    kind: ClassVar[str] = "timer-schedules"

    app: str
    times: Mapping[str, str]

    def __post_init__(self) -> None:
        normalise(self, times=dict(self.times))

    @property
    def name(self) -> str:
        return self.app

    def desired(self) -> State:
        return dict.fromkeys(self.times, True)

    def actual(self, system: System) -> State:
        found: Dict[str, Value] = {}
        for timer, when in self.times.items():
            read = system.run(["systemd-analyze", "calendar", "--", when])
            # A time that never comes again is understood, and of no use.
            found[timer] = read.status == 0 and "Next elapse: never" not in read.stdout
        return found

    def apply(self, system: System, change: Change) -> None:
        timer = next(iter(change))
        read = system.run(["systemd-analyze", "calendar", "--", self.times[timer]])
        raise AgentError(
            f'cannot run the timer {timer} of {self.app} at "{self.times[timer]}": systemd does '
            "not know this time, or it never occurs",
            hint=f'correct apps.{self.app}.timers.{timer}.at: "03:00", "Mon 06:30", "hourly"; '
            "man 7 systemd.time, CALENDAR EVENTS",
            output=read.tail,
            refused=True,
        )
