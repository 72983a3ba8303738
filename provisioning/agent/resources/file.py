"""A file with known content."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Iterable, Tuple

from provisioning.agent.blob import Blob, Content, as_blob
from provisioning.agent.claims import PATH, Claim
from provisioning.agent.machine.system import DIRECTORY, FILE, System
from provisioning.agent.resource import Change, Resource, State, normalise


@dataclass(frozen=True)
class File(Resource):
    """Have a file with this content, mode and owner.

    Args:
        path: Absolute. Its directory must be there.
        content: Text or bytes; sent only to hosts that lack it.
        mode: Octal, with the leading zero; a secret file is 0600 unless said otherwise.
        owner, group: Names.
        secret: Its content is never shown.
    """

    kind: ClassVar[str] = "file"

    path: str
    content: Content
    mode: str = ""
    owner: str = "root"
    group: str = "root"
    secret: bool = False

    def __post_init__(self) -> None:
        normalise(
            self,
            content=as_blob(self.content, secret=self.secret),
            mode=self.mode or ("0600" if self.secret else "0644"),
        )

    @property
    def name(self) -> str:
        return self.path

    @property
    def blob(self) -> Blob:
        """The content."""
        assert isinstance(self.content, Blob)
        return self.content

    def blobs(self) -> Iterable[Blob]:
        return (self.blob,)

    def missing(self, system: System) -> Iterable[Blob]:
        return () if system.digest(self.path) == self.blob.digest else self.blobs()

    def claims(self) -> Iterable[Claim]:
        return (Claim(PATH, self.path),)

    def desired(self) -> State:
        return {
            "type": FILE,
            "content": self.blob.digest,
            "mode": self.mode,
            "owner": self.owner,
            "group": self.group,
        }

    def actual(self, system: System) -> State:
        found = system.stat(self.path)
        if found is None:
            return {}
        return {
            "type": found.type,
            "content": system.digest(self.path),
            "mode": found.mode,
            "owner": found.owner,
            "group": found.group,
        }

    def apply(self, system: System, change: Change) -> None:
        if change.get("type", (None,))[0] == DIRECTORY:
            system.remove(self.path)
        if "content" in change or "type" in change:
            data = system.content(self.blob)
            system.write(self.path, data, mode=self.mode, owner=self.owner, group=self.group)
        else:
            system.set_attributes(self.path, mode=self.mode, owner=self.owner, group=self.group)

    def text_changes(self, system: System) -> Iterable[Tuple[str, bytes, bytes]]:
        if not self.blob.secret and system.digest(self.path) != self.blob.digest:
            # A link or a device in its place is not read: it may lead to a secret.
            before = system.read(self.path) if system.digest(self.path) else b""
            yield self.path, before, system.content(self.blob)
