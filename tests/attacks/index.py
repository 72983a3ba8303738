"""A package index on the lab's machine side: HTTPS, with hashes, as a company's own would be."""

from __future__ import annotations

import hashlib
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from provisioning.lab import Lab, keys
from tests.attacks.packages import Package


@dataclass
class PackageIndex:
    """What it serves; packages may be added while it runs.

    Args:
        url: Where it begins, as PEP 503 has it.
        files: Name -> content.
        asked: Paths that were asked for.
    """

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def requirement(self, package: Package) -> str:
        """Serve a package, and return the line of a requirements file that wants it."""
        self.files[package.file] = package.content
        digest = hashlib.sha256(package.content).hexdigest()
        return f"{package.name}=={package.version} --hash=sha256:{digest}\n"

    def page(self, path: str) -> tuple[str, bytes] | None:
        """Return the type and the content of a page; None where there is none."""
        self.asked.append(path)
        part, _, name = path.strip("/").partition("/")
        if part == "files" and name in self.files:
            return "application/octet-stream", self.files[name]
        listed = [
            f'<a href="/files/{file}#sha256={hashlib.sha256(content).hexdigest()}">{file}</a>'
            for file, content in self.files.items()
            if part == "simple" and name and file.startswith(f"{name}-")
        ]
        return ("text/html", "<br>".join(listed).encode()) if listed else None


@contextmanager
def serve_index(lab: Lab, directory: Path) -> Iterator[PackageIndex]:
    """Serve an index at the machine's address in the lab; hosts trust its certificate."""
    index = PackageIndex()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = index.page(self.path)
            kind, content = page or ("text/plain", b"there is no such page")
            self.send_response(200 if page else 404)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        def do_HEAD(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    keys.make_certificate(lab.paths.authority, directory, lab.gateway, "index.lab")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "cert.pem", directory / "key.pem")
    with ThreadingHTTPServer((lab.gateway, 0), Handler) as server:
        # Shaken hands in the thread of each connection: one that says nothing holds nobody up.
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
        index.url = f"https://{lab.gateway}:{server.server_address[1]}/simple/"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield index
        finally:
            server.shutdown()
            thread.join()
