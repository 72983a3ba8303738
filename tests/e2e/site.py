"""A visitor: HTTP and HTTPS requests to a lab host, as a browser would make them."""

from __future__ import annotations

import http.client
import socket
import ssl
from dataclasses import dataclass

from provisioning.lab import Lab, LabHost


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


class Site:
    """A site on a lab host, under any name.

    Args:
        lab: Whose authority is trusted.
        host: Where to connect to.
        name: The site's name.
    """

    def __init__(self, lab: Lab, host: LabHost, name: str = "hello.lab") -> None:
        self.address = host.address
        self.name = name
        self.context = ssl.create_default_context(cadata=lab.acme.root_certificate.decode())

    def connection(self, *, tls: bool = True, server_name: str | None = None):
        made = http.client.HTTPConnection(self.name, timeout=30)
        made.sock = socket.create_connection((self.address, 443 if tls else 80), timeout=30)
        if tls:
            try:
                made.sock = self.context.wrap_socket(
                    made.sock, server_hostname=server_name or self.name
                )
            except BaseException:
                made.sock.close()
                raise
        return made

    def get(self, path: str, *, tls: bool = True, headers: dict[str, str] | None = None,
            method: str = "GET", body: bytes | None = None) -> Answer:  # fmt: skip
        connection = self.connection(tls=tls)
        try:
            connection.request(
                method, path, body=body, headers={"Host": self.name, **(headers or {})}
            )
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, found, response.read())
        finally:
            connection.close()
