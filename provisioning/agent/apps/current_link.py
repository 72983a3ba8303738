"""The link `current` to the live release: for people only."""

from __future__ import annotations

from provisioning.agent.apps.links import relative_link
from provisioning.agent.apps.releases import RELEASE_ID, Releases
from provisioning.agent.machine.system import System


class CurrentLink:
    """The link of one app.

    Args:
        app: Its name.
        system: The machine.
    """

    def __init__(self, app: str, system: System) -> None:
        self._releases = Releases(app, system)
        self._path = self._releases.layout.current
        self._system = system

    @property
    def is_right(self) -> bool:
        """Whether it leads to the live release: a run may have died between the two."""
        found = self._system.stat(self._path)
        return (found.target if found else "") == self._desired or not self.is_ours

    @property
    def is_ours(self) -> bool:
        """Whether Homeport may replace it: it does not exist, or is a link to a release."""
        found = self._system.stat(self._path)
        if found is None:
            return True
        above, _, name = found.target.rpartition("/")
        folders = ("releases", self._releases.layout.releases)
        return above in folders and bool(RELEASE_ID.fullmatch(name))

    def follow(self) -> None:
        """Have it lead to the live release."""
        if self.is_right:
            return
        if self._desired:
            self._system.link(self._path, self._desired)
        else:
            self._system.remove(self._path)

    @property
    def _desired(self) -> str:
        live = self._releases.live
        return relative_link(self._path, self._releases.layout.release(live)) if live else ""
