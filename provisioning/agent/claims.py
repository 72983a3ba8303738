"""What a resource declares about the things that it makes, changes or removes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Tuple

PATH, USER, GROUP, PACKAGE = "path", "user", "group", "package"
CERTIFICATE, UNIT = "certificate", "unit"
"""Kinds of things. A path is a file, a directory or a link; a certificate is one of certbot's; a
unit is whether one of systemd's runs, starts at boot, or is masked."""


def thing_id(kind: str, name: str) -> str:
    """Return how a thing is written in the record: "path:/etc/motd"."""
    return f"{kind}:{name}"


@dataclass(frozen=True)
class Claim:
    """A thing that a resource makes, changes or removes.

    Args:
        kind: One of the kinds above.
        name: Of the thing; a path is absolute.
        keys: Names in the resource's state that concern it; none for all of them.
        removes: Whether the resource removes it.
        always: Whether it must be Homeport's even where the resource would not change it, since
            what comes later writes into it.
        becomes: What the resource would make of it, in words; "" names the resource.
    """

    kind: str
    name: str
    keys: Tuple[str, ...] = ()
    removes: bool = False
    always: bool = False
    becomes: str = ""

    @property
    def id(self) -> str:
        return thing_id(self.kind, self.name)


@dataclass(frozen=True)
class Obstacle:
    """A thing of others that a run would change, take over or remove.

    Args:
        id: The thing, as in the record: a person who agrees writes this, or a path alone.
        there: What is there, in words.
        becomes: What the run would make of it, in words.
        way_out: What a person can do about this one in particular, in words.
        can_be_adopted: Whether a person may hand it over.
    """

    id: str
    there: str
    becomes: str
    way_out: str = ""
    can_be_adopted: bool = True

    @property
    def name(self) -> str:
        """How a person writes it: a path alone, or kind and name."""
        return self.id.partition(":")[2] if self.id.startswith(f"{PATH}:") else self.id

    def is_among(self, adopted: Tuple[str, ...]) -> bool:
        """Return whether a person has named it."""
        return self.can_be_adopted and (self.id in adopted or self.name in adopted)
