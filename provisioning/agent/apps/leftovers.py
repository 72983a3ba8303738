"""Files of an app that an interrupted run left on the disk, and that nothing refers to."""

from __future__ import annotations

import os
from typing import List

from provisioning.agent.apps.manifest import CODE, MANIFEST
from provisioning.agent.apps.names import RELEASE, named
from provisioning.agent.apps.releases import Releases
from provisioning.agent.apps.runtimes import RUNTIMES, RuntimeKind
from provisioning.agent.builds.build import clear, result_of, sources_of
from provisioning.agent.builds.build import end as end_build
from provisioning.agent.builds.image_build import context_of as image_context_of
from provisioning.agent.builds.image_build import result_of as image_result_of
from provisioning.agent.layout import PART, RUNTIME_UNITS, TEMPORARY, AppLayout, is_temporary
from provisioning.agent.machine import files
from provisioning.agent.machine.system import System


class Leftovers:
    """What an interrupted run left of an app.

    Args:
        app: Its name.
        system: The machine.
    """

    def __init__(self, app: str, system: System) -> None:
        self._layout = AppLayout(app)
        self._releases = Releases(app, system)
        self._system = system

    def half_built(self) -> List[str]:
        """Return the paths of what was not completed: releases, what they run on, builds."""
        return [*self._half_built_releases(), *self._half_built_runtimes(), *self._builds()]

    def _builds(self) -> List[str]:
        """Return where a build that was cut off has left what it has made, and made it from."""
        app = self._layout.app
        paths = (
            result_of(app), sources_of(app), image_context_of(app), image_result_of(app),
        )  # fmt: skip
        return [path for path in paths if self._system.stat(path) is not None]

    def temporary(self) -> List[str]:
        """Return the paths of files that were being written, and of sockets of the dead."""
        return [*self._being_written(), *self._dead_sockets()]

    def sweep(self) -> None:
        """Remove all of it."""
        for path in self._half_built_runtimes():
            # A build whose agent was killed may still be at work in there.
            end_build(self._system, path[: -len(PART)] if path.endswith(PART) else path)
            self._system.remove(path)
        for path in self._half_built_releases():
            release = path[: -len(PART)] if path.endswith(PART) else path
            end_build(self._system, os.path.join(release, CODE))
        for path in self._builds():
            clear(path, self._system)
        # The longest names first: the others get these names before they are removed.
        for path in sorted(self._half_built_releases(), reverse=True):
            if os.path.isdir(path):
                # Here as well; what compiles it has no user of its own, but knows it by this name.
                files.rename(path, path + PART)
                path += PART
            self._system.remove(path)
        for path in self.temporary():
            self._system.remove(path)

    def _half_built_releases(self) -> List[str]:
        root, live = self._layout.releases, self._releases.live
        names = named(self._system, root, RELEASE)
        paths = [os.path.join(root, name) for name in names if name != live]
        return [path for path in paths if self._is_half_built(path)]

    def _is_half_built(self, path: str) -> bool:
        return path.endswith(PART) or self._system.stat(os.path.join(path, MANIFEST)) is None

    def _half_built_runtimes(self) -> List[str]:
        return [path for kind in RUNTIMES for path in self._half_built_of(kind)]

    def _half_built_of(self, kind: RuntimeKind) -> List[str]:
        root = kind.directory(self._layout.app)
        names = [
            name
            for name in named(self._system, root, kind.names)
            if name.endswith(PART) or self._system.stat(os.path.join(root, name, kind.mark)) is None
        ]
        if not names:
            return []
        # What somebody has damaged of a release that is whole is not ours to remove.
        manifests = map(self._releases.manifest, self._releases.complete())
        used = {manifest.get(kind.link) for manifest in manifests}
        return [os.path.join(root, name) for name in names if name not in used]

    def _being_written(self) -> List[str]:
        layout = self._layout
        found = [
            os.path.join(directory, name)
            for directory, prefix in (
                (layout.root, "."),
                (layout.env, "."),
                (RUNTIME_UNITS, f".{layout.app}."),
            )
            for name in self._system.list(directory)
            if name.startswith(prefix) and name.endswith(TEMPORARY)
        ]
        return [*found, *self._being_published()]

    def _being_published(self) -> List[str]:
        """Return what was being written of static files: files, and folders that hold some."""
        found = {}
        for path in files.regular_files(self._layout.static):
            parts = path.split("/")
            for number, name in enumerate(parts):
                if is_temporary(name):
                    found[os.path.join(self._layout.static, *parts[: number + 1])] = True
                    break
        return list(found)

    def _dead_sockets(self) -> List[str]:
        """Return sockets of releases that do not run; the others' go when they are stopped."""
        loaded, live = self._system.loaded_units(), self._releases.live
        releases = [
            name[: -len(".sock")]
            for name in self._system.list(self._layout.sockets)
            if name.endswith(".sock")
        ]
        return [
            self._layout.socket(release)
            for release in releases
            if release != live
            and not any(unit in loaded for unit in self._layout.web_units(release))
        ]
