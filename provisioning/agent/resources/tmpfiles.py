"""Directories that must be there after every boot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Iterable, Tuple

from provisioning.agent import layout
from provisioning.agent.blob import Blob, Content, as_blob
from provisioning.agent.claims import Claim
from provisioning.agent.machine.system import System
from provisioning.agent.resource import Change, Resource, State, normalise
from provisioning.agent.resources.file import File


@dataclass(frozen=True)
class Tmpfiles(Resource):
    """Have a tmpfiles.d configuration, and what it describes.

    Args:
        label: The file's name without ".conf".
        content: Lines of tmpfiles.d(5). Directories ("d") are compared with what is there.
    """

    kind: ClassVar[str] = "tmpfiles"

    label: str
    content: Content

    def __post_init__(self) -> None:
        normalise(self, content=as_blob(self.content))

    @property
    def name(self) -> str:
        return self.label

    @property
    def _file(self) -> File:
        return File(f"{layout.TEMPORARY_FILES}/{self.label}.conf", self.content)

    def blobs(self) -> Iterable[Blob]:
        return self._file.blobs()

    def missing(self, system: System) -> Iterable[Blob]:
        return self._file.missing(system)

    def claims(self) -> Iterable[Claim]:
        return self._file.claims()

    def desired(self) -> State:
        return {**self._file.desired(), "created": True}

    def actual(self, system: System) -> State:
        return {**self._file.actual(system), "created": self._created(system)}

    def _created(self, system: System) -> bool:
        """Return whether every directory that the file on the host describes is as it says."""
        for line in system.read(self._file.path).decode(errors="replace").splitlines():
            fields = [*line.split(), "-", "-", "-"]
            if not fields[0].startswith("d"):
                continue
            found = system.stat(fields[1])
            # Source: tmpfiles.d(5): what "-" stands for.
            mode = "0755" if fields[2] == "-" else fields[2].zfill(4)
            owner, group = ("root" if each == "-" else each for each in fields[3:5])
            wanted = (mode, owner, group)
            if found is None or (found.mode, found.owner, found.group) != wanted:
                return False
        return True

    def apply(self, system: System, change: Change) -> None:
        file_change = {name: values for name, values in change.items() if name != "created"}
        if file_change:
            self._file.apply(system, file_change)
        system.act(
            ["systemd-tmpfiles", "--create", self._file.path],
            why=f"create what {self._file.path} describes",
        )

    def text_changes(self, system: System) -> Iterable[Tuple[str, bytes, bytes]]:
        return self._file.text_changes(system)
