"""A TCP proxy on loopback that counts what passes, holds it back, cuts it off or swallows it."""

from __future__ import annotations

import math
import selectors
import socket
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from types import TracebackType

CHUNK_BYTES = 65536


@dataclass(eq=False)
class _Pair:
    """One connection through the proxy, and what is on its way in both directions."""

    client: socket.socket
    server: socket.socket
    queues: dict[socket.socket, deque[tuple[float, bytes]]] = field(default_factory=dict)
    client_spoke_last: bool = False

    def other(self, end: socket.socket) -> socket.socket:
        return self.server if end is self.client else self.client


class Proxy:
    """Listens on 127.0.0.1 and forwards to a target; one thread, ended by `close`.

    Args:
        host: Where to forward to.
        port: Its TCP port.
        delay_s: Seconds by which each chunk is held back: half a round trip.

    Attributes:
        connections: Connections accepted.
        bytes_up: Bytes from the client to the target.
        bytes_down: Bytes from the target to the client.
        turns: Times that the target spoke after the client had: round trips waited for.
    """

    def __init__(self, host: str, port: int, *, delay_s: float = 0.0) -> None:
        self.connections = self.bytes_up = self.bytes_down = self.turns = 0
        self._target = (host, port)
        self._delay_s = delay_s
        self._swallow_from: float = math.inf
        self._pairs: list[_Pair] = []
        self._selector = selectors.DefaultSelector()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._wake, self._waker = socket.socketpair()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._wake, selectors.EVENT_READ)
        self._stopping = self._cutting = False
        self._cut = threading.Event()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """The TCP port that it listens on."""
        return int(self._listener.getsockname()[1])

    def swallow(self, *, from_byte_up: int = 0) -> None:
        """Forward nothing, and keep the connections: a dead network.

        Args:
            from_byte_up: As soon as so many bytes have come from clients; 0 for at once.
        """
        self._swallow_from = from_byte_up

    def cut(self) -> None:
        """Reset all connections; new ones are accepted as before."""
        self._cut.clear()
        self._cutting = True
        self._waker.send(b"!")
        assert self._cut.wait(30), "the proxy is stuck"

    def close(self) -> None:
        """End the proxy and its connections."""
        self._stopping = True
        self._waker.send(b"!")
        self._thread.join(10)
        for end in (self._listener, self._wake, self._waker):
            end.close()
        self._selector.close()

    def __enter__(self) -> Proxy:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _run(self) -> None:
        while not self._stopping:
            for key, _ in self._selector.select(self._next_due_s()):
                if key.fileobj is self._listener:
                    self._accept()
                elif key.fileobj is self._wake:
                    self._wake.recv(CHUNK_BYTES)
                else:
                    self._take(key.data, key.fileobj)  # type: ignore[arg-type]
            self._deliver()
            if self._cutting or self._stopping:
                for pair in list(self._pairs):
                    self._drop(pair)
                self._cutting = False
                self._cut.set()

    def _next_due_s(self) -> float | None:
        due = [queue[0][0] for pair in self._pairs for queue in pair.queues.values() if queue]
        return max(0.0, min(due) - time.monotonic()) if due else None

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        self.connections += 1
        try:
            server = socket.create_connection(self._target, timeout=5)
        except OSError:
            client.close()
            return
        server.settimeout(None)
        pair = _Pair(client, server)
        pair.queues = {client: deque(), server: deque()}
        for end in (client, server):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._selector.register(end, selectors.EVENT_READ, pair)
        self._pairs.append(pair)

    def _take(self, pair: _Pair, end: socket.socket) -> None:
        if pair not in self._pairs:
            return
        try:
            data = end.recv(CHUNK_BYTES)
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        except OSError:
            data = b""
        if self.bytes_up >= self._swallow_from:
            if not data:
                self._selector.unregister(end)
            return
        if end is pair.client:
            self.bytes_up += len(data)
            pair.client_spoke_last = pair.client_spoke_last or bool(data)
        else:
            self.bytes_down += len(data)
            self.turns += pair.client_spoke_last and bool(data)
            pair.client_spoke_last = False
        if not data:
            self._selector.unregister(end)
        pair.queues[pair.other(end)].append((time.monotonic() + self._delay_s, data))

    def _deliver(self) -> None:
        now = time.monotonic()
        for pair in list(self._pairs):
            for end, queue in pair.queues.items():
                while queue and queue[0][0] <= now and pair in self._pairs:
                    _, data = queue.popleft()
                    try:
                        if not data:
                            raise ConnectionError("the other end is closed")
                        end.sendall(data)
                    except OSError:
                        self._drop(pair)

    def _drop(self, pair: _Pair) -> None:
        self._pairs.remove(pair)
        for end in (pair.client, pair.server):
            if end in self._selector.get_map():
                self._selector.unregister(end)
            # A linger of 0 s makes it a reset, as from a host that is gone.
            if self._cutting:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            end.close()
