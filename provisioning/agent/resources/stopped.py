"""Nothing of an app runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, List

from provisioning.agent.answers import STOPPED, HistoryEvent
from provisioning.agent.apps.current_link import CurrentLink
from provisioning.agent.apps.history import History
from provisioning.agent.apps.release_services import ReleaseServices
from provisioning.agent.apps.releases import Releases
from provisioning.agent.layout import AppLayout
from provisioning.agent.machine import systemctl
from provisioning.agent.machine.system import System
from provisioning.agent.resource import Change, Resource, State
from provisioning.agent.resources.old_releases import OldReleasesStopped

GONE = ("inactive", "failed")


@dataclass(frozen=True)
class Stopped(Resource):
    """Have no release of an app live, and nothing of it running; visitors get the page for that.

    Which release it was is written down first, so that it can be started again.

    Args:
        app: The app's name.
        by: Who does this.
        at_once: Kill whatever runs as the app's user, in place of letting it finish: what has been
            compromised must not have a say in when it ends.
        drain_timeout_s: How long requests in flight may take otherwise.
    """

    kind: ClassVar[str] = "stopped"

    app: str
    by: str = ""
    at_once: bool = False
    drain_timeout_s: int = 30

    @property
    def name(self) -> str:
        return self.app

    def desired(self) -> State:
        return {"live": None, "running": ""}

    def actual(self, system: System) -> State:
        live = Releases(self.app, system).live
        return {"live": live or None, "running": " ".join(self._running(system))}

    def _running(self, system: System) -> List[str]:
        prefixes = (f"{self.app}@", f"{self.app}.")
        return sorted(
            name
            for name, (active, _) in system.loaded_units().items()
            if name.startswith(prefixes) and active not in GONE
        )

    def apply(self, system: System, change: Change) -> None:
        if system.dry:
            return
        live = Releases(self.app, system).live
        if live:
            History(self.app, system).record(HistoryEvent(STOPPED, live, by=self.by))
            system.remove(AppLayout(self.app).live_socket)
            CurrentLink(self.app, system).follow()
        # Without a live release no timer and no process is one that is to be here.
        units = ReleaseServices(self.app, system)
        timers = [name for name in units.wrong() if not name.startswith(f"{self.app}@")]
        units.remove_timers(timers)
        if self.at_once:
            self._kill(system)
        OldReleasesStopped(self.app, self.drain_timeout_s).apply(system, {})
        system.forget_cached()
        running = self._running(system)
        if running:
            # What a timer has begun; a stop gives it the time that its unit says.
            systemctl.stop(system, *running)

    def _kill(self, system: System) -> None:
        """Kill all that is the app's, whoever started it; systemd is told not to start it again."""
        running = self._running(system)
        if running:
            systemctl.stop_meanwhile(system, *running)
            systemctl.kill(system, *running)
        system.end_processes(self.app)
