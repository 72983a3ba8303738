"""A web server for webhooks that answers whatever a test wants it to."""

from __future__ import annotations

import json
import socket
import threading
from dataclasses import dataclass, field
from typing import Any

from provisioning.secrets import Secret

PATH = "/services/T000/canary-of-the-path"

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def status(line: str, *headers: str) -> bytes:
    """Return an answer without a body."""
    return "\r\n".join([f"HTTP/1.1 {line}", *headers, "Content-Length: 0", "", ""]).encode()


@dataclass
class Receiver:
    """A server that gives its answers one after another, the last one ever again.

    Args:
        answers: Bytes to send; None keeps silent until the client goes.
    """

    answers: list[bytes | None]
    requests: list[bytes] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    @property
    def url(self) -> Secret:
        return Secret(f"http://127.0.0.1:{self.socket.getsockname()[1]}{PATH}")

    @property
    def messages(self) -> list[Any]:
        return [json.loads(each.partition(b"\r\n\r\n")[2]) for each in self.requests]

    def close(self) -> None:
        self.over.set()
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            with client:
                self.requests.append(read_request(client))
                answer = self.answers[min(len(self.requests), len(self.answers)) - 1]
                if answer is None:
                    self.over.wait()
                else:
                    client.sendall(answer)


def read_request(client: socket.socket) -> bytes:
    """Return a request, head and body."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += client.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1])
        for line in head.splitlines()
        if line.lower().startswith(b"content-length:")
    )
    while len(body) < length:
        body += client.recv(65536)
    return head + b"\r\n\r\n" + body
