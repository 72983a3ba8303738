"""What an environment is made from, laid out by root for its build to read."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Iterable, Mapping, Tuple

from provisioning.agent.apps.links import link_or_copy
from provisioning.agent.apps.sources import Sources
from provisioning.agent.blob import Blob
from provisioning.agent.machine import files
from provisioning.agent.machine.system import System


@dataclass(frozen=True)
class Staging:
    """Files for a build.

    Args:
        owner: The app whose releases may have some of them already.
        files: Path -> content of the requirements.
        packages: Path -> content of files of the app's source.
        executables: Those of them that are executable.
        links: Path -> target, for symbolic links among them.
    """

    owner: str
    files: Mapping[str, Blob]
    packages: Mapping[str, Blob] = field(default_factory=dict)
    executables: Tuple[str, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict)

    def missing(self, system: System) -> Iterable[Blob]:
        """Yield what no release here has."""
        yield from self.files.values()
        sources = self._sources(system)
        for path, blob in self.packages.items():
            if not self._found(sources, path, blob):
                yield blob

    def lay_out(self, directory: str, system: System) -> None:
        """Write all of it below a directory of root's."""
        sources = self._sources(system)
        for path, blob in {**self.packages, **self.files}.items():
            full = os.path.join(directory, path)
            mode = 0o755 if path in self.executables else 0o644
            files.make_directory(os.path.dirname(full))
            found = self._found(sources, path, blob)
            if found:
                link_or_copy(found, full, mode)
            else:
                files.write(full, system.content(blob), mode)
        for path, target in self.links.items():
            full = os.path.join(directory, path)
            files.make_directory(os.path.dirname(full))
            files.symlink(target, full)

    def _sources(self, system: System) -> Tuple[Sources, ...]:
        return (Sources(self.owner, system),) if self.packages else ()

    def _found(self, sources: Tuple[Sources, ...], path: str, blob: Blob) -> str:
        """Return the same file of a release, "" if there is none."""
        if path in self.files:
            return ""
        return next((each.find(path, blob.digest) for each in sources), "")
