"""The live release runs: its web server, its processes and timers."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import ClassVar, List

from provisioning.agent.apps.current_link import CurrentLink
from provisioning.agent.apps.failure_output import own_words
from provisioning.agent.apps.release_services import RUNNING, ReleaseServices
from provisioning.agent.apps.releases import Releases
from provisioning.agent.apps.runtimes import built_for_lost
from provisioning.agent.errors import AgentError
from provisioning.agent.layout import AppLayout
from provisioning.agent.machine import http, systemctl
from provisioning.agent.machine.system import System
from provisioning.agent.resource import Change, Resource, State

ANSWER_TIMEOUT_S = 10.0
POLL_S = 0.1

SYSTEMD_S = 60
"""Additional time for systemd to end a process that did not start in time."""


@dataclass(frozen=True)
class LiveProcesses(Resource):
    """Have all that the live release brings running, no other timers, and `current` lead to it.

    Which release that is, only the pointer says: after a switch, these are the new release's;
    before a deploy, the same completes what a run that was cut off has left.

    Args:
        app: The app's name.
        label: "before" or "after", where it stands in a plan more than once.
        health: What a web server that had to be started is asked for. Any answer will do: whether
            it is a good one was judged when the release went live. Without a path a web server
            that does not come up is nobody's failure: a deploy brings what mends it.
        host: Host header.
        timeout_s: How long the first answer may take.
    """

    kind: ClassVar[str] = "live-processes"

    app: str
    label: str = ""
    health: str = ""
    host: str = ""
    timeout_s: int = 60

    @property
    def name(self) -> str:
        return f"{self.app} {self.label}".rstrip()

    def desired(self) -> State:
        return {"to put in order": ""}

    def actual(self, system: System) -> State:
        wrong = [*self._stopped(system), *ReleaseServices(self.app, system).wrong()]
        if not CurrentLink(self.app, system).is_right:
            wrong.append("current")
        return {"to put in order": " ".join(wrong)}

    def _stopped(self, system: System) -> List[str]:
        """Return the unit of the live release's web server, if it is to be started."""
        live = Releases(self.app, system).live
        if not live:
            return []
        unit = AppLayout(self.app).unit(live)
        active, sub = system.loaded_units().get(unit, ("inactive", "dead"))
        if self.health:
            runs = active in RUNNING and not self._ends_again_and_again(unit, active, sub, system)
        else:
            # What has failed systemd has tried often enough; what waits for its turn it will try.
            runs = active in (*RUNNING, "failed") or self._has_job(unit, system)
        return [] if runs and not self._is_deaf(live, system) else [unit]

    def _is_deaf(self, live: str, system: System) -> bool:
        """Tell whether its web server runs, but the socket was taken from it."""
        if not ReleaseServices(self.app, system).web_files(live):
            return False
        socket, service = AppLayout(self.app).web_units(live)
        loaded = system.loaded_units()
        listens = loaded.get(socket, ("inactive", "dead"))[0] in RUNNING
        return loaded.get(service, ("", ""))[1] == "running" and not listens

    def _has_job(self, unit: str, system: System) -> bool:
        """Tell whether systemd was told to start it and has not come to it yet."""
        return bool(systemctl.value(system, "Job", unit))

    def _ends_again_and_again(self, unit: str, active: str, sub: str, system: System) -> bool:
        """Tell whether systemd is at another attempt, or waits for its time ("auto-restart")."""
        if active != "activating":
            return False
        if sub.startswith("auto-restart"):
            return True
        return systemctl.value(system, "NRestarts", unit) not in ("", "0")

    def apply(self, system: System, change: Change) -> None:
        if system.dry:
            return
        CurrentLink(self.app, system).follow()
        units = ReleaseServices(self.app, system)
        wrong = units.wrong()
        if wrong:
            wanted = units.files(Releases(self.app, system).live)
            units.remove_timers([name for name in wrong if name not in wanted])
            units.start(wanted, besides=units.web_files(Releases(self.app, system).live))
        for unit in self._stopped(system):
            if self.health:
                self._must_have_what_it_was_built_for(system)
            system.say(f"starting {unit}")
            live = Releases(self.app, system).live
            # A socket cannot be started beside a web server that runs.
            verb = "restart" if self._is_deaf(live, system) else "start"
            systemctl.forget_failures(system, unit)
            if self.health:
                # Whether it could is seen by asking it.
                start_s = self.timeout_s + SYSTEMD_S
                systemctl.attempt(system, verb, unit, timeout_s=start_s)
                self._wait_for(unit, system)
            else:
                systemctl.attempt(system, verb, "--no-block", unit)

    def _must_have_what_it_was_built_for(self, system: System) -> None:
        """Refuse to start what cannot run: an upgrade of Debian brings another Python."""
        live = Releases(self.app, system).live
        lost = Releases(self.app, system).lost(live)
        if lost:
            raise AgentError(
                f"the live release of {self.app}, {live}, cannot run: it was "
                + built_for_lost(lost),
                hint="fab deploy, which builds everything for what the host has",
            )

    def _wait_for(self, unit: str, system: System) -> None:
        """Return when it answers anything; systemd's "started" says little of it."""
        live = Releases(self.app, system).live
        socket = Releases(self.app, system).socket(live)
        deadline = time.monotonic() + self.timeout_s
        while not http.ask_release(
            socket,
            self.health,
            self.host,
            max(POLL_S, min(ANSWER_TIMEOUT_S, deadline - time.monotonic())),
        ).status:
            system.forget_cached()
            if self._stopped(system) or time.monotonic() > deadline:
                raise AgentError(
                    f"the live release of {self.app}, {live}, does not start",
                    hint="fab deploy makes a new release live, fab rollback the previous one. "
                    f"The complete output, on the host: journalctl -u {unit}",
                    output=own_words(system, self.app, live, unit),
                )
            time.sleep(POLL_S)
