"""A look at the way by which a certificate authority will come, before it is asked."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from typing import ClassVar, Tuple

from provisioning.agent import layout
from provisioning.agent.machine.system import System
from provisioning.agent.resource import Change, Resource, State, normalise
from provisioning.agent.resources.certificate import Certificate


@dataclass(frozen=True)
class Preflight(Resource):
    """Have a host reach itself once under new names, as an authority will.

    For web servers that ask for their certificates themselves; certbot's have it in `Certificate`.

    Args:
        label: The site's name.
        domains: Names that must lead to this host.
        directory_url: The authority that will be asked.
        webroot: Served as /.well-known/acme-challenge/ on port 80 of every domain.
    """

    kind: ClassVar[str] = "preflight"

    label: str
    domains: Tuple[str, ...]
    directory_url: str
    webroot: str = layout.ACME_WEBROOT

    def __post_init__(self) -> None:
        normalise(self, domains=tuple(self.domains))

    @property
    def name(self) -> str:
        return self.label

    @property
    def _digest(self) -> str:
        words = " ".join((self.directory_url, *sorted(self.domains)))
        return hashlib.sha256(words.encode()).hexdigest()

    def desired(self) -> State:
        return {"reached as": self._digest}

    def actual(self, system: System) -> State:
        return {"reached as": system.memory.recall(self.id)}

    def apply(self, system: System, change: Change) -> None:
        if not system.dry:
            as_asked = Certificate(
                self.label, self.domains, self.directory_url, webroot=self.webroot
            )
            for domain in self.domains:
                system.say(f"asking port 80 of {domain}")
                as_asked.ask_as_authority(system, domain, time.monotonic())
        system.memory.remember(self.id, self._digest)
