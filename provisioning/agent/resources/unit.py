"""A systemd unit file, or a drop-in for one."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from typing import ClassVar, Iterable, Tuple

from provisioning.agent import layout
from provisioning.agent.blob import Blob, Content, as_blob
from provisioning.agent.claims import Claim
from provisioning.agent.errors import AgentError
from provisioning.agent.machine import systemctl
from provisioning.agent.machine.system import System
from provisioning.agent.resource import Change, Resource, State, normalise
from provisioning.agent.resources.file import File

DIRECTORY = layout.UNIT_FILES


@dataclass(frozen=True)
class Unit(Resource):
    """Have a unit file that systemd accepts and has loaded.

    Args:
        path: File name, e.g. "hello@.service", or a drop-in, "cron.service.d/homeport.conf".
        content: Text; `systemd-analyze verify` must find nothing in it.
    """

    kind: ClassVar[str] = "unit"

    path: str
    content: Content

    def __post_init__(self) -> None:
        normalise(self, content=as_blob(self.content))

    @property
    def name(self) -> str:
        return self.path

    @property
    def _file(self) -> File:
        return File(os.path.join(DIRECTORY, self.path), self.content)

    def blobs(self) -> Iterable[Blob]:
        return self._file.blobs()

    def missing(self, system: System) -> Iterable[Blob]:
        return self._file.missing(system)

    def claims(self) -> Iterable[Claim]:
        return self._file.claims()

    def desired(self) -> State:
        return {**self._file.desired(), "loaded": self._file.blob.digest}

    def actual(self, system: System) -> State:
        return {**self._file.actual(system), "loaded": system.memory.recall(self.id)}

    def apply(self, system: System, change: Change) -> None:
        if set(change) != {"loaded"}:
            parent = os.path.dirname(self._file.path)
            if system.stat(parent) is None:
                system.make_directory(parent)
            # Taken back first: a run that dies before the daemon-reload is completed by the next.
            system.memory.forget(self.id)
            self._file.apply(system, self._file_change(change))
        systemctl.read_units_again(system)
        system.memory.remember(self.id, self._file.blob.digest)

    def text_changes(self, system: System) -> Iterable[Tuple[str, bytes, bytes]]:
        return self._file.text_changes(system)

    @staticmethod
    def _file_change(change: Change) -> Change:
        return {name: values for name, values in change.items() if name != "loaded"}

    def test(self, system: System, change: Change) -> None:
        """Let systemd read the unit, from a directory of its own, before it replaces anything."""
        if set(change) == {"loaded"}:
            return
        if "/" in self.path or not self.path.endswith((".service", ".timer", ".socket")):
            return
        stage = os.path.join(layout.RUNTIME, "units")
        shutil.rmtree(stage, ignore_errors=True)
        os.makedirs(stage, mode=0o700)
        try:
            # A template is verified as one of its instances. Source: systemd.unit(5).
            staged = os.path.join(stage, self.path.replace("@.", "@verify."))
            with open(staged, "wb") as file:
                file.write(system.content(self._file.blob))
            found = system.run(["systemd-analyze", "verify", "--man=no", staged])
        finally:
            shutil.rmtree(stage, ignore_errors=True)
        ours = [line for line in found.stderr.splitlines() if self._concerns(line, staged)]
        if ours:
            raise AgentError(
                f"systemd refuses {self.path}; the live unit was not touched",
                hint="correct the template or the setting it renders, then run again",
                output="\n".join(ours).replace(staged, self._file.path),
            )

    @staticmethod
    def _concerns(line: str, staged: str) -> bool:
        """Return whether a complaint is about the unit itself.

        Programs that are not there yet (the first release has not been deployed) and other
        units' troubles are none of its business.
        """
        about = (staged, os.path.basename(staged) + ":")
        return any(each in line for each in about) and "is not executable" not in line
