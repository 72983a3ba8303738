"""Jump hosts: each is connected to once, and shared by all hosts behind it."""

from __future__ import annotations

import threading
from collections.abc import Callable

from provisioning.errors import HomeportError
from provisioning.transport.connection import Connection

# sshd refuses logins at random from 10 unfinished ones on, and hosts behind one
# gateway may sit behind one address. Source: sshd_config(5), MaxStartups 10:30:100.
HANDSHAKES_AT_ONCE = 8


class Gateway:
    """A connection to a jump host, and how many handshakes pass through it.

    Args:
        connect: Connects to it; called once, when it is first needed.
    """

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self.handshakes = threading.Semaphore(HANDSHAKES_AT_ONCE)
        self._connect = connect
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self._failure: HomeportError | None = None

    def connection(self) -> Connection:
        """Return the connection, logged in.

        Raises:
            HomeportError: It cannot be had; the same for all hosts behind it.
        """
        with self._lock:
            if self._failure:
                raise self._failure
            if self._connection is None or not self._connection.alive:
                try:
                    self._connection = self._connect()
                    self._connection.authenticate()
                except HomeportError as failure:
                    self._failure = failure
                    raise
            return self._connection

    def close(self) -> None:
        """Close the connection, and with it those to every host behind it."""
        with self._lock:
            if self._connection:
                self._connection.close()


class Gateways:
    """The gateways of a run, by what leads to them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._gateways: dict[object, Gateway] = {}

    def __contains__(self, key: object) -> bool:
        with self._lock:
            return key in self._gateways

    def get(self, key: object, connect: Callable[[], Connection]) -> Gateway:
        """Return the gateway of that key, which `connect` leads to."""
        with self._lock:
            return self._gateways.setdefault(key, Gateway(connect))

    def close(self) -> None:
        """Close all of them; the next `get` connects again."""
        with self._lock:
            gateways, self._gateways = list(self._gateways.values()), {}
        for gateway in gateways:
            gateway.close()


class Slot:
    """One of a gateway's handshakes; given back once, however often it is released."""

    def __init__(self, handshakes: threading.Semaphore) -> None:
        self._handshakes = handshakes
        self._lock = threading.Lock()
        self._held = True
        handshakes.acquire()

    def release(self) -> None:
        """Let the next host begin."""
        with self._lock:
            if self._held:
                self._held = False
                self._handshakes.release()
