"""No more old releases than are wanted."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import ClassVar, List, Set

from provisioning.agent.apps import migrations
from provisioning.agent.apps.history import History
from provisioning.agent.apps.in_use import in_use
from provisioning.agent.apps.names import RELEASE, REVISION, named
from provisioning.agent.apps.releases import Releases
from provisioning.agent.apps.runtimes import RUNTIMES
from provisioning.agent.apps.static_copies import original_of
from provisioning.agent.apps.static_pool import prune
from provisioning.agent.apps.static_sources import static_sources_of
from provisioning.agent.errors import AgentError
from provisioning.agent.layout import PART, AppLayout
from provisioning.agent.machine import files
from provisioning.agent.machine.system import System
from provisioning.agent.resource import Change, Resource, State


@dataclass(frozen=True)
class Pruned(Resource):
    """Have the newest releases that were live, and nothing that only older ones use.

    The live release and the one before it always stay, and so does one that a timer's run which
    it began is still at work in. Releases that never went live go first: they are no candidates
    for a rollback. What has a name that Homeport does not give is left alone.

    Args:
        app: The app's name.
        keep: How many releases stay.
    """

    kind: ClassVar[str] = "pruned"

    app: str
    keep: int = 5

    @property
    def name(self) -> str:
        return self.app

    def desired(self) -> State:
        return {"to remove": ""}

    def actual(self, system: System) -> State:
        return {"to remove": " ".join(self._stale(system))}

    def _kept(self, system: System) -> Set[str]:
        releases = Releases(self.app, system)
        there = set(releases.complete())
        were_live = [each for each in History(self.app, system).were_live() if each in there]
        account = system.user(self.app)
        users = {0, account.id} if account else {0}
        needed = {releases.live, releases.previous, *in_use(releases.layout.releases, users)}
        return {*were_live[-self.keep :], *needed} & there

    def _stale(self, system: System) -> List[str]:
        """Return the paths that no release which stays refers to."""
        layout, releases = AppLayout(self.app), Releases(self.app, system)
        kept = self._kept(system)
        if not kept:
            return []
        manifests = [releases.manifest(each) for each in kept]
        wanted = (
            (layout.releases, RELEASE, kept),
            *(
                (
                    kind.directory(self.app),
                    kind.names,
                    {str(each.get(kind.link, "")) for each in manifests},
                )
                for kind in RUNTIMES
            ),
            (layout.env, REVISION, {str(each.get("env", "")) for each in manifests}),
        )
        return [
            os.path.join(directory, name)
            for directory, shape, names in wanted
            for name in named(system, directory, shape)
            if name not in names
        ]

    def apply(self, system: System, change: Change) -> None:
        layout = AppLayout(self.app)
        marks = {kind.directory(self.app): kind.mark for kind in RUNTIMES}
        for path in self._stale(system):
            # What is removed half-way must not be taken for whole.
            if os.path.dirname(path) == layout.releases:
                self._forget(system, os.path.basename(path))
                if not path.endswith(PART):
                    files.rename(path, path + PART)
                    path += PART
            elif mark := marks.get(os.path.dirname(path)):
                system.remove(os.path.join(path, mark))
            system.remove(path)
        self._prune_static(system)

    def _forget(self, system: System, release: str) -> None:
        for label in ("import", "migrate"):
            key = f"one-off:{self.app}/{release} {label}"
            system.memory.forget(key)
            migrations.forget(system, key)

    def _prune_static(self, system: System) -> None:
        """Remove published files that no release which stays has brought."""
        releases, layout = Releases(self.app, system), AppLayout(self.app)
        wanted: Set[str] = set()
        for release in self._kept(system):
            try:
                wanted.update(static_sources_of(releases, release))
            except AgentError:
                # An earlier Homeport has published what nobody can tell any more: nothing goes.
                return
        for path in files.regular_files(layout.static):
            if path not in wanted and original_of(path) not in wanted:
                prune(layout.static, path, system)
