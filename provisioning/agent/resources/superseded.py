"""Remove what an earlier Homeport made to run an app, once the live release does not need it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import ClassVar, List

from provisioning.agent import layout
from provisioning.agent.apps.release_services import ReleaseServices
from provisioning.agent.apps.releases import Releases
from provisioning.agent.errors import AgentError
from provisioning.agent.layout import AppLayout
from provisioning.agent.machine import files, systemctl
from provisioning.agent.machine.system import DIRECTORY, System
from provisioning.agent.resource import Change, Resource, State

CLEAR_S = 30.0


@dataclass(frozen=True)
class Superseded(Resource):
    """Have no unit template and no directory for sockets that an earlier Homeport made for an app.

    There the app made its sockets itself, where it could also put others in their place. As long as
    the live release is of that kind all of it stays, so that it comes back after a reboot.

    Args:
        app: The app's name.
        label: "after", where it stands in a plan more than once.
    """

    kind: ClassVar[str] = "superseded"

    app: str
    label: str = ""

    @property
    def name(self) -> str:
        return f"{self.app} {self.label}".rstrip()

    def desired(self) -> State:
        return {"to remove": ""}

    def actual(self, system: System) -> State:
        return {"to remove": " ".join(self._things(system))}

    def _things(self, system: System) -> List[str]:
        live = Releases(self.app, system).live
        if live and not ReleaseServices(self.app, system).web_files(live):
            return []
        return [path for path in self._files if system.stat(path)] + self._directory(system)

    @property
    def _files(self) -> List[str]:
        paths = AppLayout(self.app)
        return [f"{layout.UNIT_FILES}/{paths.earlier_template}", paths.earlier_tmpfiles]

    def _directory(self, system: System) -> List[str]:
        path = AppLayout(self.app).earlier_runtime
        found = system.stat(path)
        is_its = found is not None and (found.type, found.owner) == (DIRECTORY, self.app)
        return [path] if is_its else []

    def apply(self, system: System, change: Change) -> None:
        present = [path for path in self._files if system.stat(path)]
        for path in present:
            system.remove(path)
        if present:
            system.memory.forget(f"unit:{AppLayout(self.app).earlier_template}")
            system.memory.forget(f"tmpfiles:homeport-{self.app}")
            systemctl.read_units_again(system)
        for path in self._directory(system):
            self._clear(path, system)

    def _clear(self, path: str, system: System) -> None:
        """Remove what the app has made there, as the app: it may be deep, or without end."""
        if system.dry:
            system.remove(path)
            return
        try:
            system.run(
                ["find", path, "-mindepth", "1", "-delete"], user=self.app, timeout_s=CLEAR_S
            )
            with files.parent(path) as (held, name):
                os.rmdir(name, dir_fd=held)
        except (AgentError, OSError):
            # A directory that is still there would be a difference in every run: it becomes root's,
            # and is gone with the next boot.
            system.set_attributes(path, mode="0700", owner="root", group="root")
            system.notes.append(
                f"warning: {path} holds too much to be removed now; the next boot removes it"
            )
