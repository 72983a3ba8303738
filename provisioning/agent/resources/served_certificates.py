"""Certificates that a web server gets itself, as its visitors see them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import ClassVar, Tuple

from provisioning.agent.apps.journal import last_lines
from provisioning.agent.errors import AgentError
from provisioning.agent.machine import tls
from provisioning.agent.machine.system import System
from provisioning.agent.resource import Change, Resource, State, normalise

POLL_S = 0.1


@dataclass(frozen=True)
class ServedCertificates(Resource):
    """Have port 443 of this host complete a handshake under each name; wait for it a while.

    A web server that gets certificates itself does so after it has started. Without one for a
    name, it refuses the handshake.

    Args:
        label: The site's name.
        domains: Names under which it must answer.
        unit: The web server's unit, whose journal says what an authority has answered.
        timeout_s: How long to wait for all of them.
    """

    kind: ClassVar[str] = "served-certificates"

    label: str
    domains: Tuple[str, ...]
    unit: str
    timeout_s: int = 90

    def __post_init__(self) -> None:
        normalise(self, domains=tuple(self.domains))

    @property
    def name(self) -> str:
        return self.label

    def desired(self) -> State:
        return {"without": ""}

    def actual(self, system: System) -> State:
        # A check has started nothing that could answer.
        return {"without": "" if system.dry else self._without(system)}

    def _without(self, system: System) -> str:
        """Return the names that have no certificate at the end of the time, with blanks."""
        deadline, left = time.monotonic() + self.timeout_s, list(self.domains)
        said = False
        while True:
            left = [domain for domain in left if not tls.served_certificate(domain)]
            if not left or time.monotonic() > deadline:
                return " ".join(left)
            if not said:
                system.say(f"waiting for a certificate for {', '.join(left)}")
                said = True
            system.checkpoint()
            time.sleep(POLL_S)

    def apply(self, system: System, change: Change) -> None:
        lines = [line for line in last_lines(system, self.unit, 200) if "error" in line]
        raise AgentError(
            f"{self.unit} has no certificate for {str(change['without'][0]).replace(' ', ', ')} "
            f"after {self.timeout_s} s",
            hint=f"the authority's answer is in the lines above, and in journalctl -u {self.unit} "
            "on the host; the server goes on trying",
            output="\n".join(lines[-5:]),
        )
