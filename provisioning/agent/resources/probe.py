"""A question over HTTP that must be answered well."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import urlsplit

from provisioning.agent.errors import AgentError
from provisioning.agent.machine import http
from provisioning.agent.machine.system import System
from provisioning.agent.resource import Change, Resource, State

POLL_S = 0.1


@dataclass(frozen=True)
class Probe(Resource):
    """Have a URL of this host answer with a status; waits for it a while.

    Args:
        url: http:// or https://; the connection goes to `address`.
        status: The HTTP status wanted.
        address: Where to connect to.
        timeout_s: How long to wait for the answer to become right.
    """

    kind: ClassVar[str] = "probe"

    url: str
    status: int = 200
    address: str = "127.0.0.1"
    timeout_s: int = 10

    @property
    def name(self) -> str:
        return self.url

    def _ask(self) -> http.Answer:
        parts = urlsplit(self.url)
        tls = parts.scheme == "https"
        port = parts.port or (443 if tls else 80)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        headers = {"Host": parts.hostname or "localhost"}
        return http.get_address(self.address, port, target, headers, tls=tls)

    def desired(self) -> State:
        return {"status": self.status}

    def actual(self, system: System) -> State:
        # A check has started nothing that could answer; and to ask changes nothing.
        return {"status": self.status if system.dry else self._awaited(system).status}

    def _awaited(self, system: System) -> http.Answer:
        deadline = time.monotonic() + self.timeout_s
        answer = self._ask()
        while answer.status != self.status and time.monotonic() < deadline:
            system.checkpoint()
            time.sleep(POLL_S)
            answer = self._ask()
        return answer

    def apply(self, system: System, change: Change) -> None:
        answer = self._ask()
        if answer.status != self.status:
            said = f"status {answer.status}" if answer.status else answer.body
            raise AgentError(
                f"{self.url} does not answer with {self.status}: {said}", output=answer.body[:500]
            )
