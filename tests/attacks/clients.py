"""Clients that do what no browser does: raw frames of HTTP/2, half requests, answers unread."""

from __future__ import annotations

import socket
import ssl
from collections import Counter
from dataclasses import dataclass, field
from functools import cache

from tests.attacks.streets import Street

NAME = "hello.lab"

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = (
    0, 1, 2, 3, 4, 6, 7, 8, 9
)  # fmt: skip
"""Types of frames. Source: RFC 9113, 6."""

END_STREAM, END_HEADERS = 1, 4
"""Flags. Source: RFC 9113, 6.2."""

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
REFUSED_STREAM, CANCEL = 7, 8
"""Errors. Source: RFC 9113, 7."""

PATIENCE_S = 60
"""Longer than any of nginx's timeouts for slow clients."""


def connected(street: Street, port: int = 443) -> socket.socket:
    """Return a connection to the host."""
    source = (street.source, 0) if street.source else None
    return socket.create_connection((street.target, port), PATIENCE_S, source)


def encrypted(street: Street, *protocols: str) -> ssl.SSLSocket:
    """Return a connection over TLS. Whether its certificate is right is tested elsewhere."""
    return _context(protocols or ("http/1.1",)).wrap_socket(connected(street), server_hostname=NAME)


@cache
def _context(protocols: tuple[str, ...]) -> ssl.SSLContext:
    """Return one context for all: making one takes longer than a handshake."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(list(protocols))
    return context


def frame(type_: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """Return a frame. Source: RFC 9113, 4.1."""
    head = len(payload).to_bytes(3, "big") + bytes([type_, flags])
    return head + stream.to_bytes(4, "big") + payload


def fields(path: str, method: str = "GET", **more: str) -> bytes:
    """Return a header block without compression. Source: RFC 7541, 6.2.2."""
    pairs = {":method": method, ":scheme": "https", ":authority": NAME, ":path": path, **more}
    return b"".join(
        b"\0" + b"".join(bytes([len(word)]) + word for word in (name.encode(), value.encode()))
        for name, value in pairs.items()
    )


@dataclass
class Heard:
    """What came back over a connection of HTTP/2.

    Args:
        frames: How many of each type.
        refused: How many streams were refused unseen.
        closed: Whether the server ended the connection.
    """

    frames: Counter[int] = field(default_factory=Counter)
    refused: int = 0
    closed: bool = False


class Http2:
    """A connection of HTTP/2 that says what it is told to, right or wrong.

    Args:
        street: From where to where.
        window: How much of each answer the client takes at first, in bytes.
    """

    def __init__(self, street: Street, *, window: int = 65535) -> None:
        self.socket = encrypted(street, "h2")
        assert self.socket.selected_alpn_protocol() == "h2"
        # SETTINGS_INITIAL_WINDOW_SIZE. Source: RFC 9113, 6.5.2.
        size = (4).to_bytes(2, "big") + window.to_bytes(4, "big")
        self.say(PREFACE + frame(SETTINGS, 0, 0, size))

    def say(self, data: bytes) -> bool:
        """Send; return whether the server still takes anything."""
        try:
            self.socket.sendall(data)
        except OSError:
            return False
        return True

    def heard(self, quiet_s: float = PATIENCE_S * 2) -> Heard:
        """Return what came back: until the server ends it, or says nothing for so many seconds."""
        self.socket.settimeout(quiet_s)
        found, got = Heard(), b""
        while True:
            try:
                data = self.socket.recv(65536)
            except TimeoutError:
                break
            except OSError:
                data = b""
            if not data:
                found.closed = True
                break
            got += data
        while len(got) >= 9:
            length, type_ = int.from_bytes(got[:3], "big"), got[3]
            found.frames[type_] += 1
            if type_ == RST_STREAM:
                found.refused += int.from_bytes(got[9:13], "big") == REFUSED_STREAM
            got = got[9 + length :]
        return found
