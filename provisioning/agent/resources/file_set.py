"""Files that belong together and are tested together before any of them is replaced."""

from __future__ import annotations

import os
import shutil
import stat
from dataclasses import dataclass, field
from typing import ClassVar, Dict, Iterable, List, Mapping, Tuple

from provisioning.agent import layout
from provisioning.agent.errors import AgentError
from provisioning.agent.overlay import Overlay
from provisioning.agent.programs import CLEAN_ENVIRONMENT
from provisioning.agent.resource import (
    Blob,
    Change,
    Content,
    Resource,
    State,
    as_blob,
    normalise,
)
from provisioning.agent.system import DIRECTORY, FILE, LINK, System

STRANGERS = "other files"
"""Name, in the state, of what is in the purged directories and should not be."""


@dataclass(frozen=True)
class FileSet(Resource):
    """Have a set of files below a directory, replaced only when the whole passes a test.

    The directory is copied, the set is put into the copy, and the test runs in a mount
    namespace of its own where the copy stands in the directory's place: it sees every path
    as it will be, and nobody else sees anything. Then each file is renamed into place.

    Args:
        label: The set's name.
        root: Absolute directory; it need not be there yet.
        files: Path below root -> content.
        links: Path below root -> target.
        purge: Directories below root in which nothing else may be.
        validate: Program and arguments; exit status 0 passes. Skipped while the program is
            not installed, which is only so in the check of a bare host.
        mode: Of every file; they are root's.
    """

    kind: ClassVar[str] = "fileset"

    label: str
    root: str
    files: Mapping[str, Content]
    links: Mapping[str, str] = field(default_factory=dict)
    purge: Tuple[str, ...] = ()
    validate: Tuple[str, ...] = ()
    mode: str = "0644"

    def __post_init__(self) -> None:
        files = {path: as_blob(content) for path, content in self.files.items()}
        normalise(self, files=files, links=dict(self.links), purge=tuple(self.purge))

    @property
    def name(self) -> str:
        return self.label

    def _blobs(self) -> Dict[str, Blob]:
        return {path: as_blob(content) for path, content in self.files.items()}

    def blobs(self) -> Iterable[Blob]:
        return self._blobs().values()

    def missing(self, system: System) -> Iterable[Blob]:
        for path, blob in self._blobs().items():
            if system.digest(os.path.join(self.root, path)) != blob.digest:
                yield blob

    def desired(self) -> State:
        state = {path: f"{self.mode} {blob.digest}" for path, blob in self._blobs().items()}
        state.update({path: f"-> {target}" for path, target in self.links.items()})
        return {**state, STRANGERS: ""} if self.purge else state

    def actual(self, system: System) -> State:
        state = {path: self._actual_at(system, path) for path in (*self.files, *self.links)}
        return {**state, STRANGERS: " ".join(self._strangers(system))}

    def _actual_at(self, system: System, path: str) -> str:
        full = os.path.join(self.root, path)
        found = system.stat(full)
        if found is None:
            return ""
        if found.type == LINK:
            return f"-> {found.target}"
        if found.type != FILE:
            return found.type
        owner = "" if (found.owner, found.group) == ("root", "root") else f"{found.owner} "
        return f"{owner}{found.mode} {system.digest(full)}"

    def _strangers(self, system: System) -> Iterable[str]:
        wanted = {*self.files, *self.links}
        for directory in self.purge:
            for name in system.list(os.path.join(self.root, directory)):
                path = os.path.normpath(os.path.join(directory, name))
                inner = path + os.sep
                if path not in wanted and not any(each.startswith(inner) for each in wanted):
                    yield path

    def apply(self, system: System, change: Change) -> None:
        for path in change:
            if path == STRANGERS:
                continue
            full = os.path.join(self.root, path)
            parent = os.path.dirname(full)
            if system.stat(parent) is None:
                system.make_directory(parent)
            found = system.stat(full)
            if found is not None and found.type not in (FILE, LINK):
                system.remove(full)
            if path in self.files:
                system.write(full, system.content(self._blobs()[path]), mode=self.mode)
            else:
                system.link(full, self.links[path])
        for path in list(self._strangers(system)):
            system.remove(os.path.join(self.root, path))

    def text_changes(self, system: System) -> Iterable[Tuple[str, bytes, bytes]]:
        for path, blob in self._blobs().items():
            full = os.path.join(self.root, path)
            if not blob.secret and system.digest(full) != blob.digest:
                before = system.read(full) if system.digest(full) else b""
                yield full, before, system.content(blob)
        for path in self._strangers(system):
            full = os.path.join(self.root, path)
            yield full, system.read(full) if system.digest(full) else b"", b""

    def test(self, system: System, change: Change) -> None:
        if system.stat(self.root) is None:
            system.make_directory(self.root)
        if not self.validate:
            return
        # In a check, what earlier resources would have made is not there to be tested against.
        if isinstance(system, Overlay) and (system.acted or system.imagines_outside(self.root)):
            return
        there = shutil.which(self.validate[0], path=CLEAN_ENVIRONMENT["PATH"])
        if system.dry and (there is None or not os.path.isdir(self.root)):
            return
        if there is None:
            raise AgentError(f"cannot test {self.id}: {self.validate[0]} is not installed")
        stage = os.path.join(layout.RUNTIME, f"stage-{self.label}")
        shutil.rmtree(stage, ignore_errors=True)
        try:
            self._stage(system, stage)
            script = 'stage=$1; root=$2; shift 2; mount --bind "$stage" "$root" && exec "$@"'
            tested = system.run(
                ["unshare", "--mount", "sh", "-c", script, "sh", stage, self.root, *self.validate]
            )
        finally:
            shutil.rmtree(stage, ignore_errors=True)
        if tested.status != 0:
            raise AgentError(
                f"{self.validate[0]} refuses the new configuration; the live one was not touched",
                hint="correct the template or the setting it renders, then run again",
                output=tested.tail,
            )

    def _stage(self, system: System, stage: str) -> None:
        os.makedirs(layout.RUNTIME, mode=0o700, exist_ok=True)
        if os.path.isdir(self.root):
            shutil.copytree(self.root, stage, symlinks=True, ignore=_specials)
        os.makedirs(stage, exist_ok=True)
        if isinstance(system, Overlay):
            _stage_imagined(system, self.root, stage)
        for path in self._strangers(system):
            _remove(os.path.join(stage, path))
        for path, blob in self._blobs().items():
            full = os.path.join(stage, path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            _remove(full)
            with open(full, "wb") as file:
                file.write(system.content(blob))
        for path, target in self.links.items():
            full = os.path.join(stage, path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            _remove(full)
            os.symlink(target, full)


def _specials(directory: str, names: List[str]) -> List[str]:
    """Return what cannot be copied: sockets, pipes and devices."""
    modes = {name: os.lstat(os.path.join(directory, name)).st_mode for name in names}
    return [
        name
        for name, mode in modes.items()
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode))
    ]


def _stage_imagined(system: Overlay, root: str, stage: str) -> None:
    """Put into a copy of a directory what a check believes to be there by now."""
    for path, entry, data in system.imagined_below(root):
        full = os.path.join(stage, os.path.relpath(path, root))
        if entry is not None and entry.type == DIRECTORY:
            os.makedirs(full, exist_ok=True)
            continue
        _remove(full)
        if entry is not None and entry.type == LINK:
            os.symlink(entry.target, full)
        elif entry is not None:
            with open(full, "wb") as file:
                file.write(data)


def _remove(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)
