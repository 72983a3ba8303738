"""An app that answers as a script says, over a unix socket or over TLS, for a bounded time."""

from __future__ import annotations

import contextlib
import datetime
import socket
import ssl
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class HostileApp:
    """Serves one connection after the other.

    Args:
        listening: Where it is asked.
        parts: What it sends, each in one piece; what comes after all of it is the end.
        pause_s: Before each of them.
    """

    def __init__(
        self, listening: socket.socket, parts: Iterable[bytes], pause_s: float = 0.0
    ) -> None:
        self._listening = listening
        self._parts = list(parts)
        self._pause_s = pause_s
        self.asked = 0
        self.sent_all = 0
        """How often it came to the end of what it had to send."""
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self.asked += 1
            with contextlib.suppress(OSError), connection:
                connection.recv(1 << 16)
                for part in self._parts:
                    if self._pause_s and self._done.wait(self._pause_s):
                        return
                    connection.sendall(part)
                self.sent_all += 1

    def close(self) -> None:
        """End it, and wait until it has noticed that the other side is gone."""
        self._done.set()
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(10)


@contextlib.contextmanager
def hostile_app(path: Path, parts: Iterable[bytes], pause_s: float = 0.0) -> Iterator[HostileApp]:
    """Serve on a unix socket."""
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(path))
    listening.listen(16)
    app = HostileApp(listening, parts, pause_s)
    try:
        yield app
    finally:
        app.close()


@contextlib.contextmanager
def hostile_site(
    folder: Path, parts: Iterable[bytes], pause_s: float = 0.0
) -> Iterator[tuple[HostileApp, int]]:
    """Serve over TLS on loopback; yield the port as well."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_certificate(folder))
    plain = socket.create_server(("127.0.0.1", 0))
    port = plain.getsockname()[1]
    app = HostileApp(context.wrap_socket(plain, server_side=True), parts, pause_s)
    try:
        yield app, port
    finally:
        app.close()


def _certificate(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hello.test")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    path = folder / "site.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path
