"""Answer the lab's DNS questions from this machine's own resolver, where only loopback has one.

Started as a program of its own, with nothing but the standard library:
`python relay.py LISTEN_ADDRESS RESOLVER_ADDRESS [PORT]`.
"""

from __future__ import annotations

import contextlib
import socket
import socketserver
import struct
import sys
import threading

_PORT = 53
_TIMEOUT_S = 5.0
# Source: RFC 6891, the usual largest answer over UDP; RFC 1035 for the length of one over TCP.
_MAX_UDP_BYTES = 65535
_LENGTH = struct.Struct("!H")


class _Relay(socketserver.BaseRequestHandler):
    """Pass one question on."""

    server: _UdpServer | _TcpServer


class _UdpRelay(_Relay):
    def handle(self) -> None:
        """Answer one datagram."""
        question, listener = self.request
        with contextlib.suppress(OSError), socket.socket(type=socket.SOCK_DGRAM) as upstream:
            upstream.settimeout(_TIMEOUT_S)
            upstream.connect(self.server.upstream)
            upstream.send(question)
            listener.sendto(upstream.recv(_MAX_UDP_BYTES), self.client_address)


class _TcpRelay(_Relay):
    def handle(self) -> None:
        """Answer one connection with one question."""
        with (
            contextlib.suppress(OSError, struct.error),
            socket.create_connection(self.server.upstream, _TIMEOUT_S) as upstream,
        ):
            self.request.settimeout(_TIMEOUT_S)
            upstream.sendall(_read_message(self.request))
            self.request.sendall(_read_message(upstream))


class _UdpServer(socketserver.ThreadingUDPServer):
    daemon_threads = True
    allow_reuse_address = True
    upstream: tuple[str, int]


class _TcpServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    upstream: tuple[str, int]


def _read_message(connection: socket.socket) -> bytes:
    with connection.makefile("rb") as stream:
        header = stream.read(_LENGTH.size)
        return header + stream.read(_LENGTH.unpack(header)[0])


def serve(listen: str, resolver: str, port: int = _PORT, resolver_port: int = _PORT) -> None:
    """Answer until this process is ended.

    Args:
        listen: The address to answer at.
        resolver: The address to ask.
        port: The port to answer at.
        resolver_port: The port to ask.
    """
    with (
        _UdpServer((listen, port), _UdpRelay) as udp,
        _TcpServer((listen, port), _TcpRelay) as tcp,
    ):
        udp.upstream = tcp.upstream = (resolver, resolver_port)
        threading.Thread(target=udp.serve_forever, daemon=True).start()
        tcp.serve_forever()


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
