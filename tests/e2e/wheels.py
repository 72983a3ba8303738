"""Wheels for lock files: the example app's, or made here; served where lab hosts find them."""

from __future__ import annotations

import base64
import contextlib
import functools
import hashlib
import http.server
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from provisioning.lab import Lab


@dataclass(frozen=True)
class Wheel:
    """A package as lock files name it."""

    name: str
    version: str
    url: str
    sha256: str

    @classmethod
    def of(cls, path: Path, url: str) -> Wheel:
        """Return a file. Source: PyPA, "Binary distribution format": name-version-tags.whl."""
        name, version, *_ = path.name.lower().split("-")
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        return cls(name, version, f"{url}/{path.name}", sha256)


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files, and says nothing of it."""

    def log_message(self, *_: object) -> None: ...


class Private(Quiet):
    """Serves files to those who know a user and a password."""

    expected: ClassVar[str] = ""

    def do_GET(self) -> None:
        if self.headers.get("Authorization") == self.expected:
            super().do_GET()
            return
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="index"')
        self.send_header("Content-Length", "0")
        self.end_headers()


@contextlib.contextmanager
def served(lab: Lab, folder: Path, *, login: str = "") -> Iterator[str]:
    """Serve a folder to the lab's hosts; give its URL.

    Args:
        lab: The lab.
        folder: The folder.
        login: "user:password" without which nothing is served; "" for everybody.
    """
    expected = "Basic " + base64.b64encode(login.encode()).decode()
    kind = type("Login", (Private,), {"expected": expected}) if login else Quiet
    handler = functools.partial(kind, directory=str(folder))
    with http.server.ThreadingHTTPServer((lab.gateway, 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://{lab.gateway}:{server.server_port}"
        finally:
            server.shutdown()


def download(requirements: Path, folder: Path, *, python: str = "3.11") -> list[Path]:
    """Download the wheels that a requirements file means, by default on Debian 12."""
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--only-binary", ":all:",
         "--python-version", python, "--dest", str(folder), "--requirement", str(requirements)],
        check=True,
    )  # fmt: skip
    return sorted(folder.glob("*.whl"))


def make(folder: Path, name: str, version: str) -> Path:
    """Make a wheel with one empty module, of a package that no index has."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"{name}.py", "")
        wheel.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        )
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(
            f"{info}/RECORD", f"{name}.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n"
        )
    return path
