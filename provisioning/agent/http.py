"""HTTP requests to an app's socket and to the host's own web server."""

from __future__ import annotations

import http.client
import socket
import ssl
from dataclasses import dataclass
from typing import Mapping, Optional

BODY_BYTES = 2000
"""How much of an answer is read: enough to show a person."""


@dataclass(frozen=True)
class Answer:
    """What came back.

    Args:
        status: HTTP status; 0 when there was no answer.
        body: Its beginning, or why there was no answer.
        headers: Lower-case names.
    """

    status: int
    body: str
    headers: Mapping[str, str]


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class _AddressConnection(http.client.HTTPConnection):
    """A connection to an address, whatever the name in the request resolves to."""

    def __init__(self, address: str, port: int, name: str, tls: bool, timeout: float) -> None:
        super().__init__(address, port, timeout=timeout)
        self._server_name = name
        self._tls = tls

    def connect(self) -> None:
        super().connect()
        if self._tls:
            # This asks whether the release answers; whether visitors trust the certificate
            # is the certificate's matter.
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            self.sock = context.wrap_socket(self.sock, server_hostname=self._server_name)


def get_unix(path: str, target: str, headers: Mapping[str, str], timeout_s: float) -> Answer:
    """GET from a unix socket; a failure to connect is an Answer with status 0."""
    return _get(_UnixConnection(path, timeout_s), target, headers)


def ask_release(socket: str, path: str, host: str, timeout_s: float) -> Answer:
    """GET from a release's own socket, as its web server would ask for a visitor."""
    headers = {
        "Host": host,
        "X-Forwarded-Proto": "https",
        "X-Forwarded-For": "127.0.0.1",
        "User-Agent": "homeport",
    }
    return get_unix(socket, path, headers, timeout_s)


def get_address(
    address: str,
    port: int,
    target: str,
    headers: Mapping[str, str],
    *,
    tls: bool = False,
    timeout_s: float = 5,
) -> Answer:
    """GET from an address, with the Host header as the TLS server name."""
    connection = _AddressConnection(address, port, headers["Host"], tls, timeout_s)
    return _get(connection, target, headers)


def _get(connection: http.client.HTTPConnection, target: str, headers: Mapping[str, str]) -> Answer:
    response: Optional[http.client.HTTPResponse] = None
    try:
        connection.request("GET", target, headers=dict(headers))
        response = connection.getresponse()
        body = response.read(BODY_BYTES).decode(errors="replace")
        found = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, body, found)
    except (OSError, http.client.HTTPException) as error:
        return Answer(0, str(error) or type(error).__name__, {})
    finally:
        connection.close()
