"""A server that refuses, is silent, or answers nonsense: over TCP, TLS or UDP."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from types import TracebackType

REFUSING = "refusing"
SILENT = "accepting and silent"
ERROR = "answering 500"
PAGE = "answering with a login page"
CUT = "cutting its answer short"
GARBAGE = "answering garbage"
FAILURE = "answering that it failed"

WAYS = (REFUSING, SILENT, ERROR, PAGE, CUT, GARBAGE)
"""Of TCP servers."""

DATAGRAM_WAYS = (REFUSING, SILENT, FAILURE, GARBAGE)
"""Of DNS servers."""

_HTML = b"<!DOCTYPE html><html><title>Welcome</title><p>Please log in to the network.</html>"
_TYPE = b"Content-Type: text/html\r\nConnection: close\r\n"
_ANSWERS = {
    ERROR: b"HTTP/1.1 500 Internal Server Error\r\n" + _TYPE + b"Content-Length: 6\r\n\r\nbroken",
    PAGE: b"HTTP/1.1 200 OK\r\n" + _TYPE + b"Content-Length: %d\r\n\r\n" % len(_HTML) + _HTML,
    CUT: b"HTTP/1.1 200 OK\r\n" + _TYPE + b"Content-Length: 100000\r\n\r\n" + _HTML[:20],
    GARBAGE: bytes(range(255, -1, -1)) * 4,
}
_ASKED_BYTES = 1 << 16
_ASKED_WITHIN_S = 10
_LOOK_UP_S = 0.2
# Source: RFC 1035, 4.1.1: an answer, with the response code 2, "server failure".
_DNS_FAILURE = b"\x81\x82"


class BadServer:
    """A server for the length of a `with` block.

    Args:
        address: Where it listens.
        way: In which way it is bad.
        certificate: (Certificate, key) files; it speaks TLS then.
        datagrams: Whether it is a DNS server, over UDP.
    """

    def __init__(
        self,
        address: str,
        way: str,
        *,
        certificate: tuple[str, str] | None = None,
        datagrams: bool = False,
    ) -> None:
        self._way = way
        self._context: ssl.SSLContext | None = None
        if certificate is not None:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(*certificate)
        kind = socket.SOCK_DGRAM if datagrams else socket.SOCK_STREAM
        self._socket = socket.socket(socket.AF_INET, kind)
        self._socket.bind((address, 0))
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []
        self._serve = self._serve_datagrams if datagrams else self._serve_connections
        self.asked = 0
        """How often somebody has come to it; 0 always if it refuses."""

    @property
    def port(self) -> int:
        """Where it listens, or would."""
        return int(self._socket.getsockname()[1])

    def __enter__(self) -> BadServer:
        datagrams = self._socket.type == socket.SOCK_DGRAM
        if self._way == REFUSING and datagrams:
            # The port is free, so the kernel refuses by itself.
            port = self._socket.getsockname()
            self._socket.close()
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            self._socket.bind(port)
        if self._way != REFUSING:
            if datagrams:
                self._socket.settimeout(_LOOK_UP_S)
            else:
                self._socket.listen(64)
            self._start(self._serve)
        return self

    def __exit__(
        self,
        type_: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        with contextlib.suppress(OSError):
            # It wakes whoever waits for a connection; an error where nobody does.
            self._socket.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._socket.close()

    def _start(self, target: object, *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)  # type: ignore[arg-type]
        thread.start()
        self._threads.append(thread)

    def _serve_connections(self) -> None:
        while not self._over.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.asked += 1
            self._start(self._answer, connection)

    def _answer(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            stack.enter_context(connection)
            connection.settimeout(_ASKED_WITHIN_S)
            if self._way == SILENT:
                self._over.wait()
                return
            speaking = connection
            if self._context is not None:
                speaking = self._context.wrap_socket(connection, server_side=True)
                stack.enter_context(speaking)
            speaking.recv(_ASKED_BYTES)
            speaking.sendall(_ANSWERS[self._way])

    def _serve_datagrams(self) -> None:
        while not self._over.is_set():
            try:
                asked, sender = self._socket.recvfrom(_ASKED_BYTES)
            except TimeoutError:
                continue
            self.asked += 1
            if self._way == FAILURE:
                # The same number and the same question, and no answer to it.
                self._socket.sendto(asked[:2] + _DNS_FAILURE + asked[4:], sender)
            elif self._way == GARBAGE:
                self._socket.sendto(asked[:2] + _ANSWERS[GARBAGE][:300], sender)
