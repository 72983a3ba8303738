"""Outside a build's sandbox: the only way from there to the network, to named hosts only.

It runs as a user without any rights and ends with whoever started it. Source: RFC 9110, 9.3.6
(CONNECT), and RFC 9112, 3.2.2 (absolute-form).
"""

from __future__ import annotations

import json
import os
import re
import socket
import sys
import threading
import time
from typing import FrozenSet, List, Optional, Tuple

from provisioning.agent.builds.inside import splice

HEAD_BYTES = 1 << 16
HEAD_S = 30.0
CONNECT_S = 30.0
CONNECTIONS = 64
REFUSED_NAMES = 20
"""How many refused hosts are reported; a build could invent any number of names."""

_HOST = rb"(\[[0-9A-Fa-f:.]{1,45}\]|[A-Za-z0-9._-]{1,253})"
"""The longest possible name (RFC 1035, 2.3.4): refused names go through a pipe of some kB."""

_CONNECT = re.compile(rb"CONNECT " + _HOST + rb":(\d{1,5}) HTTP/1\.[01]\r\n")
_ABSOLUTE = re.compile(
    rb"([A-Z]+) http://" + _HOST + rb"(?::(\d{1,5}))?(/[^ \r\n]*)? (HTTP/1\.[01])\r\n"
)


class Proxy:
    """Connects to hosts that are allowed, and says which others were asked for.

    Args:
        allowed: "name:port", lower case.
    """

    def __init__(self, allowed: FrozenSet[str]) -> None:
        self._allowed = allowed
        self._refused: List[str] = []
        self._room = threading.BoundedSemaphore(CONNECTIONS)

    def serve(self, listener: socket.socket) -> None:
        """Serve connections, without end."""
        while True:
            self._room.acquire()
            inner, _ = listener.accept()
            threading.Thread(target=self._attend, args=(inner,), daemon=True).start()

    def _attend(self, inner: socket.socket) -> None:
        outer: Optional[socket.socket] = None
        try:
            head, rest = read_head(inner)
            host, port, first = wanted(head)
            if f"{host}:{port}" not in self._allowed:
                self._refuse(inner, f"{host}:{port}")
                return
            try:
                outer = socket.create_connection((host.strip("[]"), port), CONNECT_S)
            except OSError as error:
                _answer(inner, b"502 Bad Gateway", f"cannot reach {host}:{port}: {error}")
                return
            outer.settimeout(None)
            inner.settimeout(None)
            if first:
                outer.sendall(first + rest)
            else:
                inner.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
                outer.sendall(rest)
            splice(inner, outer)
        except (OSError, ValueError):
            return
        finally:
            inner.close()
            if outer is not None:
                outer.close()
            self._room.release()

    def _refuse(self, inner: socket.socket, name: str) -> None:
        if name not in self._refused and len(self._refused) < REFUSED_NAMES:
            self._refused.append(name)
            print(name, flush=True)
        _answer(inner, b"403 Forbidden", f"a build may not connect to {name}")


def read_head(inner: socket.socket) -> Tuple[bytes, bytes]:
    """Read a request's head, within bounds of bytes and time; return it and what came behind it.

    Raises:
        ValueError: it does not end, or not in time.
    """
    data, deadline = b"", time.monotonic() + HEAD_S
    while b"\r\n\r\n" not in data:
        left_s = deadline - time.monotonic()
        if len(data) > HEAD_BYTES or left_s <= 0:
            raise ValueError("no head of a request")
        inner.settimeout(left_s)
        part = inner.recv(HEAD_BYTES)
        if not part:
            raise ValueError("it ends within its head")
        data += part
    head, end, rest = data.partition(b"\r\n\r\n")
    return head + end, rest


def wanted(head: bytes) -> Tuple[str, int, bytes]:
    """Return the host and port that a request is for, and the head to send there, if any.

    Raises:
        ValueError: it is none that a proxy understands.
    """
    if found := _CONNECT.match(head):
        return found[1].decode().lower(), int(found[2]), b""
    if found := _ABSOLUTE.match(head):
        line = b"%s %s %s\r\n" % (found[1], found[4] or b"/", found[5])
        # One connection is for one host: the next request needs another one.
        fields = re.sub(rb"(?im)^(?:proxy-)?connection:[^\r\n]*\r\n", b"", head[found.end() :])
        return (
            found[2].decode().lower(),
            int(found[3] or 80),
            line + b"Connection: close\r\n" + fields,
        )
    raise ValueError("neither CONNECT nor http://")


def _answer(inner: socket.socket, status: bytes, text: str) -> None:
    body = text.encode()
    inner.sendall(
        b"HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n"
        b"Connection: close\r\n\r\n%s" % (status, len(body), body)
    )


def main(argv: List[str]) -> int:
    """Serve a listening socket until standard input ends.

    Args:
        argv: The socket's descriptor, and JSON: a list of "name:port".
    """
    listener = socket.socket(fileno=int(argv[0]))
    proxy = Proxy(frozenset(json.loads(argv[1])))
    threading.Thread(target=proxy.serve, args=(listener,), daemon=True).start()
    while os.read(0, 1):
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
