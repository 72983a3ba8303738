"""No release runs but the live one."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import ClassVar, List

from provisioning.agent.answers import RETIRED, HistoryEvent
from provisioning.agent.apps.history import History
from provisioning.agent.apps.in_use import connections
from provisioning.agent.apps.leftovers import Leftovers
from provisioning.agent.apps.names import say_strangers
from provisioning.agent.apps.release_services import STOP_S, ReleaseServices
from provisioning.agent.apps.releases import Releases
from provisioning.agent.layout import AppLayout
from provisioning.agent.machine import systemctl
from provisioning.agent.machine.system import System
from provisioning.agent.resource import Change, Resource, State

POLL_S = 0.02


@dataclass(frozen=True)
class OldReleasesStopped(Resource):
    """Have nothing left of releases that visitors do not see: no process, nothing half built.

    A release that was live finishes the requests that are in flight before it is stopped, and
    its processes what they are at. Before a deploy, and with each provision, the same puts in
    order what a deploy that was cut off has left.

    Args:
        app: The app's name.
        drain_timeout_s: How long requests in flight may take.
        label: "before" or "after", where it stands in a plan more than once.
    """

    kind: ClassVar[str] = "old-releases"

    app: str
    drain_timeout_s: int = 30
    label: str = ""

    @property
    def name(self) -> str:
        return f"{self.app} {self.label}".rstrip()

    def desired(self) -> State:
        return {"running": "", "processes": "", "unfinished": 0}

    def actual(self, system: System) -> State:
        leftovers = Leftovers(self.app, system)
        say_strangers(self.app, system)
        return {
            "running": " ".join(self._others(system)),
            "processes": " ".join(ReleaseServices(self.app, system).leftovers()),
            "unfinished": len(leftovers.half_built()) + len(leftovers.temporary()),
        }

    def _others(self, system: System) -> List[str]:
        """Return the ids of the releases, but for the live one, of which systemd knows anything."""
        live, prefix = Releases(self.app, system).live, f"{self.app}@"
        units = [unit for unit in system.loaded_units() if unit.startswith(prefix)]
        ids = {unit[len(prefix) :].rpartition(".")[0] for unit in units}
        return sorted(ids - {live})

    def apply(self, system: System, change: Change) -> None:
        if system.dry:
            return
        # It may be called amid others' work.
        system.forget_cached()
        units = ReleaseServices(self.app, system)
        others, processes = self._others(system), units.leftovers()
        # They finish while the requests do.
        units.begin_stop(processes)
        deadline = time.monotonic() + self.drain_timeout_s
        for release in others:
            self._drain(system, release, deadline)
            self._stop(system, release)
            History(self.app, system).record(HistoryEvent(RETIRED, release))
        units.stop(processes)
        system.forget_cached()
        Leftovers(self.app, system).sweep()

    def _stop(self, system: System, release: str) -> None:
        """Stop a release's web server and its socket, and all that they have left running."""
        web = AppLayout(self.app).web_units(release)
        known = system.loaded_units()
        loaded = [unit for unit in web if unit in known]
        # systemd may have forgotten them since: while another release finished.
        if loaded:
            # Its own limit is the unit's: the drain timeout once more, for streams.
            systemctl.stop(system, *loaded, timeout_s=STOP_S)
            # A stop ends the server's main process, and that its workers: not what else is there.
            systemctl.kill(system, loaded[-1])
            systemctl.forget_failures(system, *loaded)
        socket = Releases(self.app, system).socket(release)
        ReleaseServices(self.app, system).forget_web(release)
        system.remove(socket)

    def _drain(self, system: System, release: str, deadline: float) -> None:
        socket = Releases(self.app, system).socket(release)
        said = False
        while time.monotonic() < deadline:
            left = connections(socket)
            if left == 0:
                return
            if not said:
                system.say(f"release {release} is finishing {left} requests in flight")
                said = True
            time.sleep(POLL_S)
        left = connections(socket)
        if left:
            what = f"release {release} still has {left} requests in flight"
            system.say(f"{what}; its server ends them now")
