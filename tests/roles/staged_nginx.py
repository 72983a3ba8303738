"""A real nginx with a rendered configuration, in namespaces of its own: nothing of it is left
behind, and no port of this machine is taken."""

import contextlib
import ctypes
import http.client
import os
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingUnixStreamServer

from tests.roles.samples import write_tree
from tests.umask import USUAL

CLONE_NEWNET = 0x40000000
ELSEWHERE = "192.0.2.5"
"""A visitor's address, as opposed to the host's own 127.0.0.1. Source: RFC 5737."""

HOUSEHOLD = ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2")
NEIGHBOUR = "2001:db8:0:2::1"
"""Two addresses of one /64, and one of another. Source: RFC 3849."""

IPV6 = Path("/proc/net/if_inet6").exists()

SCRIPT = """
set -e
ip link set lo up
for each in {addresses}; do
    ip address add $each dev lo
done
mount -t tmpfs tmpfs /run
for each in etc/nginx etc/homeport srv var/log/nginx var/lib/nginx; do
    mkdir -p /$each
    mount --bind "$1/$each" /$each
done
shift
exec nginx "$@"
"""


def missing() -> str:
    """Return what this machine lacks to run it, or ""."""
    if os.geteuid() != 0:
        return "needs root, for namespaces"
    programs = [name for name in ("nginx", "unshare", "ip", "openssl") if not shutil.which(name)]
    return f"needs {', '.join(programs)}" if programs else ""


class StagedNginx:
    """nginx serving what the resources say.

    Args:
        resources: As compiled, with `tls.method = "self-signed"` or "off".
        folder: Where its files go; `srv` below it is the host's /srv.
    """

    def __init__(self, resources, folder: Path) -> None:
        self.folder = folder
        self.srv = folder / "srv"
        shutil.copytree("/etc/nginx", folder / "etc/nginx", symlinks=True)
        for stock in (folder / "etc/nginx/sites-enabled").iterdir():
            stock.unlink()
        write_tree(resources, folder)
        for each in ("etc/homeport", "srv", "var/log/nginx", "var/lib/nginx"):
            (folder / each).mkdir(parents=True, exist_ok=True)
        for each in resources:
            if each.kind == "self-signed":
                self._certificate(each)

    def _certificate(self, resource) -> None:
        folder = self.folder / resource.directory.lstrip("/")
        folder.mkdir(parents=True)
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-days", "2", "-subj", f"/CN={resource.domains[0]}",
             "-keyout", folder / "privkey.pem", "-out", folder / "fullchain.pem"],
            check=True, capture_output=True,
        )  # fmt: skip

    def _command(self, *arguments: str) -> list[str]:
        namespaces = ["--mount", "--net", "--pid", "--fork", "--kill-child"]
        addresses = (ELSEWHERE, *HOUSEHOLD, NEIGHBOUR) if IPV6 else (ELSEWHERE,)
        script = SCRIPT.format(addresses=" ".join(addresses))
        return ["unshare", *namespaces, "sh", "-c", script, "sh", str(self.folder), *arguments]

    def tested(self) -> subprocess.CompletedProcess[str]:
        """Return what `nginx -t` says."""
        return subprocess.run(self._command("-t"), capture_output=True, text=True)

    def __enter__(self):
        self._errors = (self.folder / "stderr").open("wb")
        self._process = subprocess.Popen(
            self._command("-g", "daemon off;"),
            stderr=self._errors,
            stdout=self._errors,
            umask=USUAL,
        )
        deadline = time.monotonic() + 20
        while True:
            try:
                self.connect(80).close()
            except OSError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    self.__exit__()
                    raise RuntimeError((self.folder / "stderr").read_text()) from None
                time.sleep(0.02)
            else:
                return self

    def __exit__(self, *_) -> None:
        self._process.kill()
        self._process.wait()
        self._errors.close()

    def reload(self) -> None:
        """Have it load its configuration anew, and wait until only new workers answer."""
        before = self._workers()
        os.kill(int(self._inner), signal.SIGHUP)
        deadline = time.monotonic() + 20
        while not self._workers() or before & self._workers():
            assert time.monotonic() < deadline, "it did not reload"
            time.sleep(0.02)

    def _workers(self) -> set[str]:
        """Return the workers that take connections."""
        master = int(self._inner)
        found = set()
        for pid in Path(f"/proc/{master}/task/{master}/children").read_text().split():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                title = Path(f"/proc/{pid}/cmdline").read_text()
                if "worker process" in title and "shutting down" not in title:
                    found.add(pid)
        return found

    def put_static(self, name: str, content: bytes = b"x", app: str = "hello") -> None:
        """Put a file below /static/ of an app."""
        path = self.srv / app / "static/static" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    @property
    def log(self) -> list[str]:
        return (self.folder / "var/log/nginx/access.log").read_text().splitlines()

    def connect(self, port: int, source: str = "127.0.0.1") -> socket.socket:
        """Return a connection to nginx, made within its network."""

        def connected() -> socket.socket:
            _enter_network(self._inner)
            target = "::1" if ":" in source else "127.0.0.1"
            return socket.create_connection((target, port), 10, (source, 0))

        # A namespace is entered by one thread alone, which ends with this.
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(connected).result()

    @property
    def _inner(self) -> str:
        pid = self._process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        if not children:
            raise ProcessLookupError
        return children[0]

    def ask(
        self, url, *, method="GET", headers=None, body=None, source="127.0.0.1", name=None
    ) -> "Answer":
        """Ask for a URL; over HTTPS with `name`, or the URL's host, as the TLS name."""
        scheme, _, rest = url.partition("://")
        host, slash, path = rest.partition("/")
        connection = http.client.HTTPConnection(host)
        connection.sock = self.connect(443 if scheme == "https" else 80, source)
        if scheme == "https":
            connection.sock = tls(connection.sock, name or host)
        with connection.sock:
            connection.request(method, slash + path, body, headers or {})
            answer = connection.getresponse()
            return Answer(answer.status, answer.msg, answer.read())


def tls(connection: socket.socket, name: str, protocols=("http/1.1",)) -> ssl.SSLSocket:
    """Return the connection, encrypted; the certificate is not looked at."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(list(protocols))
    return context.wrap_socket(connection, server_hostname=name)


def _enter_network(pid: str) -> None:
    """Move this thread into the network of a process. Source: setns(2)."""
    with Path(f"/proc/{pid}/ns/net").open() as namespace:
        if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")


class Answer:
    """What nginx answered."""

    def __init__(self, status: int, headers, body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body

    def __getitem__(self, name: str) -> str | None:
        """Return a header; None when it is not there or empty, a failure when it is there twice."""
        found = self.headers.get_all(name) or []
        assert len(found) <= 1, f"{name} is there {len(found)} times: {found}"
        return found[0] if found else None


class Release:
    """A release of an app: answers on a unix socket of its own, and remembers what it was asked.

    Args:
        path: Where its socket is, seen from here.
        name: What it calls itself.
    """

    def __init__(self, path: Path, name: str = "r1") -> None:
        self.path, self.name = path, name
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.answer_headers: dict[str, str] = {}
        self.hang_up_on: list[str] = []
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        release = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                release.asked.append((self.command, self.path, dict(self.headers.items())))
                if self.command in release.hang_up_on:
                    release.hang_up_on.remove(self.command)
                    self.close_connection = True
                    return
                text = f"{release.name} {len(body)}".encode()
                self.send_response(200)
                headers = {"X-Homeport-Release": release.name, **release.answer_headers}
                for key, value in {**headers, "Content-Length": str(len(text))}.items():
                    self.send_header(key, value)
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_DELETE = answer  # noqa: N815

            def log_message(self, *_) -> None: ...

            def address_string(self) -> str:
                return "unix"

        class Server(ThreadingUnixStreamServer):
            daemon_threads = True
            request_queue_size = 128

        self._server = Server(str(path), Handler)
        path.chmod(0o777)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def stop(self) -> None:
        """Close the listener; the socket's file stays, as after a crash."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()

    @property
    def last(self) -> dict[str, str]:
        """The headers of the last request."""
        return self.asked[-1][2]
