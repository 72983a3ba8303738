"""The agent on one host, over a connection that can be made anew."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from provisioning.hosts.client import AgentClient
from provisioning.protocol.payload import agent_payload
from provisioning.protocol.queries import Query
from provisioning.protocol.session import Heard, Session

T = TypeVar("T")

if TYPE_CHECKING:
    from provisioning.transport import Channel


class AgentLink:
    """The way to an agent.

    Args:
        open_channel: Connects if need be, and starts a command as root.
        heard: Called with everything the agent says.
    """

    def __init__(
        self, open_channel: Callable[[str], Channel], heard: Callable[[Heard], None]
    ) -> None:
        self._open_channel = open_channel
        self._heard = heard
        self._started = False
        self.client = self._new_client()
        """The conversation over the latest connection."""
        self.stopping = False
        """Whether a person has asked to stop."""
        self.speaking = threading.RLock()
        """Held by whoever speaks to the host: the heartbeat makes no connection anew meanwhile."""

    def _new_client(self) -> AgentClient:
        return AgentClient(Session(agent_payload()), self._open_channel, self._heard)

    def start(self) -> None:
        """Connect and start the agent, unless that has been done."""
        if not self._started:
            self.client.start()
            self._started = True

    def connect_again(self) -> None:
        """Go on over a new connection; whatever the old one was used for has ended with it.

        Raises:
            UnreachableError: the host cannot be connected to.
        """
        self.close()
        self.client = self._new_client()
        self.client.start()

    def ask(self, query: Query[T]) -> T:
        """Ask the agent for something that changes nothing: see protocol/queries.py."""
        with self.speaking:
            self.start()
            return self.client.ask(query)

    def close(self) -> None:
        """End the agent; the connection stays."""
        self.client.__exit__()
