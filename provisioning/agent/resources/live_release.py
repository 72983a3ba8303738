"""The switch: which release visitors see."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import ClassVar, Optional, Tuple

from provisioning.agent.answers import LIVE, ROLLED_BACK, HistoryEvent
from provisioning.agent.apps.current_link import CurrentLink
from provisioning.agent.apps.health_answers import told
from provisioning.agent.apps.history import History
from provisioning.agent.apps.release_services import ReleaseServices
from provisioning.agent.apps.releases import Releases
from provisioning.agent.apps.runtimes import runtimes_of
from provisioning.agent.errors import AgentError
from provisioning.agent.layout import AppLayout
from provisioning.agent.machine import http
from provisioning.agent.machine.system import System
from provisioning.agent.resource import Change, Resource, State, normalise
from provisioning.agent.resources.old_releases import OldReleasesStopped

RELEASE_HEADER = "x-homeport-release"
"""Set by the app server, shown by the web server to the host itself only."""

VERIFY_S = 5.0
POLL_S = 0.02


@dataclass(frozen=True)
class LiveRelease(Resource):
    """Have visitors see a release.

    `live.sock` is a symbolic link to the release's socket, and the web server connects to
    it for every request: renaming it is the switch. It is on disk, so it also says what
    starts at boot; there is no second record that could contradict it.

    Args:
        app: The app's name.
        release: The release's id; "" has visitors see that there is none, if it takes one back.
        health: Path that is asked.
        host: The site's name.
        tls: Whether the site is served on 443.
        by: Who does this.
        rollback: Whether a person goes back to an earlier release.
        reverts: The release that is taken back, as it did not go live on all hosts; "" where it
            is no way back. Whatever else is live by now stays.
        drain_timeout_s: How long requests may take to end where it is taken back.
        logs: Where the web server logs.
        statuses: Healthy answers of the health path.
        answer_timeout_s: How long one answer may take.
    """

    kind: ClassVar[str] = "live-release"

    app: str
    release: str
    health: str
    host: str
    tls: bool = True
    by: str = ""
    rollback: bool = False
    reverts: str = ""
    drain_timeout_s: int = 30
    logs: str = "/var/log"
    statuses: Tuple[int, ...] = (200,)
    answer_timeout_s: int = 10

    def __post_init__(self) -> None:
        normalise(self, statuses=tuple(self.statuses))

    @property
    def name(self) -> str:
        return self.app

    def desired(self) -> State:
        return {"release": self.release or None}

    def actual(self, system: System) -> State:
        live = Releases(self.app, system).live
        if self.reverts and live != self.reverts:
            return self.desired()
        return {"release": live or None}

    def apply(self, system: System, change: Change) -> None:
        if system.dry:
            return
        history, before = History(self.app, system), Releases(self.app, system).live
        if before and history.were_live()[-1:] != [before]:
            # The run that switched to it died before it could say so; a rollback must know.
            history.record(HistoryEvent(LIVE, before))
        if self.reverts:
            # Visitors had it a moment ago: there is nothing better to have in its place.
            # It is recorded first: a run that dies in between finds the release live, and says so.
            history.record(HistoryEvent(ROLLED_BACK, before, to=self.release, by=self.by))
            self._back(system, self.release)
            return
        self._point(system, self.release)
        answer = self._verify(system)
        if answer is not None:
            self._back(system, before)
            OldReleasesStopped(self.app, self.drain_timeout_s).apply(system, {})
            ReleaseServices(self.app, system).start_what_is_live()
            history.record(HistoryEvent(ROLLED_BACK, self.release, to=before, by=self.by))
            raise AgentError(
                f"release {self.release} of {self.app} was reverted: through the web server "
                + answer,
                hint="if the site has never been up, run `fab provision` first; otherwise check "
                f"{self.logs} on the host",
                refused=True,
            )
        came_from = before if self.rollback else ""
        history.record(
            HistoryEvent(LIVE, self.release, by=self.by, before=before, rollback_from=came_from)
        )

    def _point(self, system: System, release: str) -> None:
        layout = AppLayout(self.app)
        system.link(layout.live_socket, Releases(self.app, system).socket(release))
        CurrentLink(self.app, system).follow()

    def _back(self, system: System, before: str) -> None:
        layout = AppLayout(self.app)
        if before:
            self._point(system, before)
        else:
            system.remove(layout.live_socket)
            CurrentLink(self.app, system).follow()

    def _stamps(self, system: System) -> bool:
        """Tell whether the release's answers say that they are its own."""
        manifest = Releases(self.app, system).manifest(self.release)
        return all(kind.stamps for kind, _ in runtimes_of(manifest))

    def _verify(self, system: System) -> Optional[str]:
        """Ask through the web server; return what is wrong with the answer, or None."""
        names = {self.release}
        if not self._stamps(system):
            names.add("")
        deadline = time.monotonic() + VERIFY_S
        while True:
            answer = http.get_address(
                "127.0.0.1",
                443 if self.tls else 80,
                self.health,
                {"Host": self.host, "User-Agent": "homeport"},
                tls=self.tls,
                timeout_s=self.answer_timeout_s,
            )
            release = answer.headers.get(RELEASE_HEADER, "")
            if answer.status in self.statuses and release in names:
                return None
            if time.monotonic() > deadline:
                break
            time.sleep(POLL_S)
        if answer.status == 0:
            return f"{self.health} was not answered ({answer.body})"
        if answer.status not in self.statuses:
            return told(answer, self.health, self.statuses)
        return f"{self.health} was answered by {release or 'something else'}"
