"""A visitor with a websocket or with server-sent events, over TLS."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from http.client import HTTPResponse

from websockets.sync.client import ClientConnection, connect

from tests.e2e.site import Site

CLAIMS = {
    "X-Forwarded-For": "192.0.2.66",
    "X-Forwarded-Proto": "http",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Port": "81",
    "X-Forwarded-Prefix": "/evil",
    "Forwarded": "for=192.0.2.66;proto=http;host=evil.example",
}
"""What a visitor says of itself, and nobody must believe."""


@contextlib.contextmanager
def websocket(
    site: Site, path: str, headers: dict[str, str] | None = None
) -> Iterator[ClientConnection]:
    """Give an open websocket."""
    with connect(
        # TLS is spoken already.
        f"ws://{site.name}{path}",
        sock=site.connection().sock,
        additional_headers=headers,
        # The test decides what is said, and when.
        ping_interval=None,
        close_timeout=5,
    ) as opened:
        yield opened


@contextlib.contextmanager
def events(site: Site, path: str, headers: dict[str, str] | None = None) -> Iterator[HTTPResponse]:
    """Give the answer of which one can read server-sent events as they come."""
    connection = site.connection()
    connection.sock.settimeout(1200)
    try:
        connection.request("GET", path, headers={"Accept": "text/event-stream", **(headers or {})})
        yield connection.getresponse()
    finally:
        connection.close()
