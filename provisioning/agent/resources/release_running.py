"""A release that runs, on a socket of its own, and answers."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import ClassVar, Tuple

from provisioning.agent.answers import FAILED, GATED, HistoryEvent
from provisioning.agent.apps.failure_output import refusal
from provisioning.agent.apps.health_answers import mend, patience_s, told, wanted
from provisioning.agent.apps.history import History
from provisioning.agent.apps.release_services import ReleaseServices, first_instances
from provisioning.agent.apps.releases import Releases
from provisioning.agent.errors import AgentError, StoppedError
from provisioning.agent.layout import AppLayout
from provisioning.agent.machine import http, systemctl
from provisioning.agent.machine.system import System
from provisioning.agent.resource import Change, Resource, State, normalise

POLL_S = 0.02
ANSWERS = 3
"""Required number of good answers in a row: more than one worker must be up."""


@dataclass(frozen=True)
class ReleaseRunning(Resource):
    """Have a release running and healthy, seen by no visitor yet.

    systemd makes its socket, and gives it to the web server. That it has "started" says little:
    a server may report it before a worker has imported the app, and the socket takes connections
    before. So the gate is HTTP, with the headers that the web server would send, and no request
    takes longer than what is left of its time.

    Args:
        app: The app's name.
        release: The release's id.
        health: Path that is asked.
        host: Host header.
        timeout_s: How long it may take to become healthy.
        statuses: Those that are healthy answers.
        answer_timeout_s: How long one answer may take.
    """

    kind: ClassVar[str] = "release-running"

    app: str
    release: str
    health: str
    host: str
    timeout_s: int = 60
    statuses: Tuple[int, ...] = (200,)
    answer_timeout_s: int = 10

    def __post_init__(self) -> None:
        normalise(self, statuses=tuple(self.statuses))

    @property
    def name(self) -> str:
        return f"{self.app}@{self.release}"

    @property
    def unit(self) -> str:
        """The unit it runs as."""
        return AppLayout(self.app).unit(self.release)

    def desired(self) -> State:
        return {"running": True, "health": self.statuses[0]}

    def actual(self, system: System) -> State:
        running = system.unit(self.unit).running
        if not running:
            return {"running": False, "health": None}
        status = self._ask(system, self.answer_timeout_s).status
        return {"running": True, "health": self.statuses[0] if self._is_good(status) else status}

    def _is_good(self, status: int) -> bool:
        return status in self.statuses

    def _ask(self, system: System, timeout_s: float) -> http.Answer:
        socket = Releases(self.app, system).socket(self.release)
        return http.ask_release(socket, self.health, self.host, timeout_s)

    def apply(self, system: System, change: Change) -> None:
        if system.dry:
            return
        units = ReleaseServices(self.app, system)
        units.install({**units.web_files(self.release), **first_instances(units, self.release)})
        systemctl.forget_failures(system, *AppLayout(self.app).web_units(self.release))
        system.say(f"starting {self.unit}")
        systemctl.start(system, self.unit)
        try:
            self._wait(system)
        except (AgentError, StoppedError):
            # What visitors see is better than nothing.
            if Releases(self.app, system).live != self.release:
                self._end(system)
            History(self.app, system).record(HistoryEvent(FAILED, self.release, at_state="start"))
            raise
        History(self.app, system).record(HistoryEvent(GATED, self.release))

    def _end(self, system: System) -> None:
        """End it at once: no visitor was ever sent here, so there is nothing to finish."""
        units = AppLayout(self.app).web_units(self.release)
        systemctl.stop_meanwhile(system, *units)
        systemctl.kill(system, self.unit)
        systemctl.try_to_stop(system, *units)
        systemctl.forget_failures(system, *units)
        ReleaseServices(self.app, system).forget_web(self.release)
        system.remove(Releases(self.app, system).socket(self.release))
        system.forget_cached()

    def _wait(self, system: System) -> None:
        deadline = time.monotonic() + self.timeout_s
        good, asked, said = 0, 0, {0}
        answer, since = http.Answer(0, "it has not answered yet", {}), time.monotonic()
        while good < ANSWERS:
            system.checkpoint()
            # Asking systemd costs more than asking the socket, and is only for failures.
            if asked % 10 == 9:
                self._check_process(system)
            asked += 1
            left_s = deadline - time.monotonic()
            before, answer = (
                answer,
                self._ask(system, max(POLL_S, min(self.answer_timeout_s, left_s))),
            )
            if answer.status != before.status:
                since = time.monotonic()
            if self._is_good(answer.status):
                good += 1
                continue
            good = 0
            is_steady = time.monotonic() - since > patience_s(answer.status, self.timeout_s)
            if time.monotonic() > deadline or is_steady:
                why, what_to_do = told(answer, self.health, self.statuses), self._mend(answer)
                raise self._refused(system, why, what_to_do)
            # A server that answers, but not well, may have to get ready; or it never will.
            if answer.status not in said:
                said.add(answer.status)
                what = f"{self.health} answers {answer.status}"
                waits_s = min(left_s, patience_s(answer.status, self.timeout_s))
                system.say(f"{what}; waiting at most {waits_s:.0f} s for {wanted(self.statuses)}")
            time.sleep(POLL_S if answer.status == 0 else 0.2)

    def _check_process(self, system: System) -> None:
        shown = systemctl.show(system, "ActiveState,NRestarts,Result", self.unit)
        values = next(iter(shown.values()), {})
        if values.get("ActiveState") == "failed" or values.get("NRestarts", "0") != "0":
            raise self._refused(system, "its process ended while it was starting")

    def _mend(self, answer: http.Answer) -> str:
        return mend(answer, self.health, self.host, self.app)

    def _refused(self, system: System, why: str, what_to_do: str = "") -> AgentError:
        return refusal(system, self.app, self.release, self.unit, why, what_to_do)
