"""Files that belong together and are tested together before any of them is replaced."""

from __future__ import annotations

import os
import shutil
import stat
from dataclasses import dataclass, field
from typing import ClassVar, Dict, Iterable, List, Mapping, Sequence, Tuple

from provisioning.agent import layout
from provisioning.agent.blob import Blob, Content, as_blob
from provisioning.agent.claims import PATH, Claim, Obstacle, thing_id
from provisioning.agent.errors import AgentError
from provisioning.agent.machine.overlay import Overlay
from provisioning.agent.machine.programs import CLEAN_ENVIRONMENT
from provisioning.agent.machine.system import DIRECTORY, FILE, LINK, System
from provisioning.agent.ownership.things import has_mark, is_known
from provisioning.agent.resource import Change, Resource, State, normalise

STRANGERS = "other files"
"""Name, in the state, of unwanted files in the purged directories."""

OURS = "no longer wanted"
"""State of a file that is to be removed, as long as it exists for this owner."""


LOGS = "/var/log"
"""A test may open logs for writing, and would create missing ones."""

MOST_LOG_DIRECTORIES = 1000

_TEST = (
    'stage=$1; root=$2; logs=$3; real=$4; shift 4; mount --bind "$stage" "$root" && '
    'mount --bind "$logs" "$real" && exec "$@"'
)


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
        absent: Paths below root that this owner wants no more. They are removed once no other owner
            wants them; what Homeport did not make stays.
        purge: Directories below root in which nothing else may be. What somebody else put there
            stops a run before its first change, unless a person hands it over.
        validate: Program and arguments; exit status 0 passes. Skipped while the program is
            not installed, which is only so in the check of a bare host.
        mode: Of every file; they are root's.
    """

    kind: ClassVar[str] = "file-set"

    label: str
    root: str
    files: Mapping[str, Content]
    links: Mapping[str, str] = field(default_factory=dict)
    absent: Tuple[str, ...] = ()
    purge: Tuple[str, ...] = ()
    validate: Tuple[str, ...] = ()
    mode: str = "0644"

    def __post_init__(self) -> None:
        files = {path: as_blob(content) for path, content in self.files.items()}
        normalise(self, files=files, links=dict(self.links), absent=tuple(self.absent))
        normalise(self, purge=tuple(self.purge))

    @property
    def name(self) -> str:
        return self.label

    def claims(self) -> Iterable[Claim]:
        return [
            Claim(PATH, os.path.join(self.root, path), keys=(path,))
            for path in (*self.files, *self.links)
        ]

    def obstacles(self, system: System, run: Sequence[Resource]) -> Iterable[Obstacle]:
        for path in self._strangers(system):
            full = os.path.join(self.root, path)
            if not is_known(system, full):
                yield Obstacle(
                    thing_id(PATH, full), "something that Homeport did not make", "removed"
                )

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
        state.update(dict.fromkeys(self.absent, ""))
        return {**state, STRANGERS: ""} if self.purge else state

    def actual(self, system: System) -> State:
        state = {path: self._actual_at(system, path) for path in (*self.files, *self.links)}
        state.update({path: OURS if self._is_ours(system, path) else "" for path in self.absent})
        return {**state, STRANGERS: " ".join(self._strangers(system))}

    def _is_ours(self, system: System, path: str) -> bool:
        """Return whether a file is there for this owner, or of an earlier Homeport."""
        full = os.path.join(self.root, path)
        owners = system.owned.owners(thing_id(PATH, full))
        if owners:
            return system.owner in owners
        return has_mark(system, full)

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
            if path in self.absent:
                self._give_up(system, full)
                continue
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
            full = os.path.join(self.root, path)
            system.remove(full)
            system.owned.forget([thing_id(PATH, full)])

    @staticmethod
    def _give_up(system: System, path: str) -> None:
        """Remove a file that this owner wants no more, unless another one does."""
        thing = thing_id(PATH, path)
        if system.owned.release(system.owner, thing) or not system.owned.has(thing):
            system.remove(path)
            system.owned.forget([thing])

    def _going(self, system: System) -> Iterable[str]:
        """Yield the paths that are removed: purged, or wanted by no owner any more."""
        yield from self._strangers(system)
        for path in self.absent:
            others = system.owned.owners(thing_id(PATH, os.path.join(self.root, path)))
            if self._is_ours(system, path) and not others - {system.owner}:
                yield path

    def text_changes(self, system: System) -> Iterable[Tuple[str, bytes, bytes]]:
        for path, blob in self._blobs().items():
            full = os.path.join(self.root, path)
            if not blob.secret and system.digest(full) != blob.digest:
                before = system.read(full) if system.digest(full) else b""
                yield full, before, system.content(blob)
        for path in self._going(system):
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
        logs = f"{stage}-logs"
        for directory in (stage, logs):
            shutil.rmtree(directory, ignore_errors=True)
        try:
            self._stage(system, stage)
            _stage_logs(logs)
            tested = system.run(
                ["unshare", "--mount", "sh", "-c", _TEST, "sh", stage, self.root, logs, LOGS,
                 *self.validate]
            )  # fmt: skip
        finally:
            for directory in (stage, logs):
                shutil.rmtree(directory, ignore_errors=True)
        if tested.status != 0:
            raise AgentError(
                f"{self.validate[0]} refuses the new configuration; the live one was not touched",
                hint="correct the lines that it names (in the template, in the setting that it "
                "renders, or in a file that others made), then run again",
                output=tested.tail,
            )

    def _stage(self, system: System, stage: str) -> None:
        os.makedirs(layout.RUNTIME, mode=0o700, exist_ok=True)
        if os.path.isdir(self.root):
            shutil.copytree(self.root, stage, symlinks=True, ignore=_specials)
        os.makedirs(stage, exist_ok=True)
        if isinstance(system, Overlay):
            _stage_imagined(system, self.root, stage)
        for path in self._going(system):
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


def _stage_logs(stage: str) -> None:
    """Make the directories of logs, with nothing in them."""
    os.makedirs(stage)
    for number, (path, _, _) in enumerate(os.walk(LOGS)):
        if number == MOST_LOG_DIRECTORIES:
            return
        os.makedirs(os.path.join(stage, os.path.relpath(path, LOGS)), exist_ok=True)


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
