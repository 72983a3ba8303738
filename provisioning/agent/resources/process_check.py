"""The processes of a release run, and stay up, before it goes live."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import ClassVar, List, Mapping

from provisioning.agent.answers import FAILED, HistoryEvent
from provisioning.agent.apps.failure_output import refusal
from provisioning.agent.apps.history import History
from provisioning.agent.apps.programs import find_program
from provisioning.agent.apps.release_services import ReleaseServices, first_instances, process_of
from provisioning.agent.errors import AgentError, StoppedError
from provisioning.agent.machine.system import System
from provisioning.agent.resource import Change, Resource, State, normalise
from provisioning.agent.resources.old_releases import OldReleasesStopped

POLL_S = 0.1


@dataclass(frozen=True)
class ProcessCheck(Resource):
    """Have the first instance of each process of a release running, next to the live release's.

    Nobody can ask a process for its health, so it is watched for a while instead: one that
    ends in that time is refused with its own words, and with it the release. The programs of
    timers, which run later, are looked for.

    Args:
        app: The app's name.
        release: The release's id.
        programs: "process worker" or "timer nightly" -> the program that it starts.
        settle_s: How long processes are watched.
        drain_timeout_s: How long what was started may take to end where it is refused.
    """

    kind: ClassVar[str] = "process-check"

    app: str
    release: str
    programs: Mapping[str, str] = field(default_factory=dict)
    settle_s: int = 3
    drain_timeout_s: int = 30

    def __post_init__(self) -> None:
        normalise(self, programs=dict(self.programs))

    @property
    def name(self) -> str:
        return f"{self.app}@{self.release}"

    def desired(self) -> State:
        return {"missing": "", "running": True}

    def actual(self, system: System) -> State:
        return {
            "missing": ", ".join(self._missing(system)),
            "running": ReleaseServices(self.app, system).is_running(self._files(system)),
        }

    def _missing(self, system: System) -> List[str]:
        """Return whose program is nowhere to be found."""
        return [
            who
            for who, program in self.programs.items()
            if not find_program(system, self.app, self.release, program)
        ]

    def _files(self, system: System) -> Mapping[str, bytes]:
        return first_instances(ReleaseServices(self.app, system), self.release)

    def apply(self, system: System, change: Change) -> None:
        if system.dry:
            return
        try:
            self._look_for_programs(system)
            files = self._files(system)
            units = ReleaseServices(self.app, system)
            units.start(files)
            self._watch(system, units, list(files))
        except (AgentError, StoppedError, OSError):
            # The web server of this release too, which has passed already.
            OldReleasesStopped(self.app, self.drain_timeout_s).apply(system, {})
            ReleaseServices(self.app, system).start_what_is_live()
            History(self.app, system).record(
                HistoryEvent(FAILED, self.release, at_state="processes")
            )
            raise

    def _look_for_programs(self, system: System) -> None:
        missing = self._missing(system)
        if missing:
            program = self.programs[missing[0]]
            raise AgentError(
                f"release {self.release} of {self.app} was refused: the {missing[0]} cannot start: "
                f"{program} is neither in the release nor on the host",
                hint=f"add the package that provides {program} to the app's requirements or "
                "packages, or correct the command",
                refused=True,
            )

    def _watch(self, system: System, units: ReleaseServices, names: List[str]) -> None:
        if names:
            what = ", ".join(process_of(name) for name in names)
            system.say(f"watching {what} for {self.settle_s} s")
        deadline = time.monotonic() + self.settle_s
        while names:
            system.checkpoint()
            for name, shown in units.show(names).items():
                restarted = shown.get("NRestarts", "0") != "0"
                if restarted or shown.get("SubState") != "running":
                    raise refusal(system, self.app, self.release, name, _ended(name, shown))
            if time.monotonic() > deadline:
                return
            time.sleep(POLL_S)


def _ended(name: str, shown: Mapping[str, str]) -> str:
    status = shown.get("ExecMainStatus", "0")
    # Source: systemd.exec(5), "PROCESS EXIT CODES": above 199 it is systemd's own.
    how = "could not be started" if int(status) >= 200 else f"ended with exit status {status}"
    return f"the process {process_of(name)} {how}"
