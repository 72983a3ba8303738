"""Uvicorn: what its program does with its workers, and what its units say."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from provisioning.errors import ConfigurationError
from provisioning.roles.app_servers import uvicorn
from tests.roles.samples import BOOKWORM, HELLO, RELEASE, inventory, units_of

ASGI = HELLO.replace('wsgi = "app:create_app()"', 'asgi = "app:create_app()"')
UVICORN = ASGI + 'server = "uvicorn"\n'
PATIENCE_S = 30

STAND_IN = """
import os, signal, time

class Config:
    def __init__(self, app, **settings):
        self.app, self.settings = app, settings

class Server:
    def __init__(self, config):
        self.config, self.started, self.ends = config, False, False

    def run(self, sockets):
        self.started = self.config.settings["headers"][0][0] == "X-Homeport-Release"
        signal.signal(signal.SIGTERM, self.end)
        with open("started", "a") as file:
            file.write(f"{os.getpid()}\\n")
        while not self.ends:
            time.sleep(0.01)

    def end(self, *_):
        self.ends = True
"""
"""What of uvicorn the program uses: the real one runs on the hosts of tests/e2e."""


def program(folder: Path, text: str = "") -> str:
    app = inventory(folder, UVICORN + text).apps["hello"]
    return uvicorn.files(app, BOOKWORM, RELEASE)["server.py"]


class Running:
    """The program with a stand-in for uvicorn, as systemd would start it.

    Args:
        folder: An empty folder.
        app: Source of the app's module.
    """

    def __init__(self, folder: Path, app: str = "def create_app(): return None\n") -> None:
        self.folder = folder
        (folder / "uvicorn.py").write_text(STAND_IN)
        (folder / "app.py").write_text(app)
        (folder / "started").touch()
        made = program(folder / "project", "workers = 2\n")
        text = made.replace(f"/srv/hello/releases/{RELEASE}/code", str(folder))
        (folder / "server.py").write_text(text)
        self.told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.told.bind(str(folder / "notify"))
        self.told.settimeout(PATIENCE_S)
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(folder / "socket"))
            listening.listen()
            handed = listening.fileno()
            shell = f"exec {sys.executable} {folder}/server.py 3<&{handed}"
            self.process = subprocess.Popen(
                ["bash", "-c", shell],
                env={**os.environ, "NOTIFY_SOCKET": str(folder / "notify")},
                pass_fds=(handed,),
                stderr=subprocess.PIPE,
                text=True,
            )

    def started(self, count: int) -> list[int]:
        """Return the ids of the first workers, as soon as there were so many."""
        deadline = time.monotonic() + PATIENCE_S
        while len(lines := (self.folder / "started").read_text().split()) < count:
            assert time.monotonic() < deadline, lines
            time.sleep(0.01)
        return [int(each) for each in lines]

    def end(self) -> None:
        self.told.close()
        for pid in map(int, (self.folder / "started").read_text().split()):
            if is_there(pid):
                os.kill(pid, signal.SIGKILL)
        self.process.kill()
        self.process.communicate()


def is_there(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture
def run(tmp_path):
    begun: list[Running] = []

    def start(**given) -> Running:
        begun.append(Running(tmp_path, **given))
        return begun[0]

    yield start
    for each in begun:
        each.end()


def test_it_starts_as_many_workers_as_asked_and_ends_well_when_told_to(run):
    running = run()
    assert running.told.recv(100) == b"READY=1"
    first, second = running.started(2)
    running.process.terminate()
    assert running.process.wait(PATIENCE_S) == 0
    assert not is_there(first)
    assert not is_there(second)


def test_a_killed_worker_is_replaced_and_no_other(run):
    running = run()
    first, second = running.started(2)
    os.kill(first, signal.SIGKILL)
    assert set(running.started(3)[:2]) == {first, second}
    assert is_there(second)
    running.process.terminate()
    assert running.process.wait(PATIENCE_S) == 0


@pytest.mark.parametrize(
    "app", ["raise RuntimeError('out of order')\n", "def create_app(): raise KeyError('order')\n"]
)
def test_a_worker_that_cannot_import_the_app_ends_all_with_an_error_in_its_words(run, app):
    running = run(app=app)
    _, said = running.process.communicate(timeout=PATIENCE_S)
    assert running.process.returncode == 1
    assert "order" in said


def test_workers_whose_main_process_was_killed_finish_and_end(run):
    running = run()
    pids = running.started(2)
    running.process.kill()
    running.process.wait()
    deadline = time.monotonic() + PATIENCE_S
    while any(is_there(pid) for pid in pids):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_it_serves_the_app_on_the_socket_of_systemd(tmp_path):
    made = program(tmp_path, "workers = 3\ndrain_timeout_s = 70\nuvicorn.ws_max_size = 5\n")
    compile(made, "server.py", "exec")
    assert "importlib.import_module('app').create_app()" in made
    assert {"WORKERS = 3", '    "ws_max_size": 5,'} < set(made.splitlines())
    assert '    "timeout_graceful_shutdown": 70,' in made.splitlines()
    service = units_of(tmp_path, UVICORN)[f"hello@{RELEASE}.service"]
    release = f"/srv/hello/releases/{RELEASE}"
    assert f"ExecStart={release}/venv/bin/python {release}/server.py\n" in service
    assert f"Sockets=hello@{RELEASE}.socket\n" in service


@pytest.mark.parametrize(
    ("text", "limit", "jitter"),
    [
        ("", 2000, 200),
        ("max_requests = 5\n", 5, 0),
        ("uvicorn.limit_max_requests_jitter = 7\n", 2000, 7),
        ("max_requests = 0\n", 0, 0),
    ],
)
def test_workers_are_replaced_after_requests_unless_never(tmp_path, text, limit, jitter):
    made = program(tmp_path, text).splitlines()
    assert {f"MAX_REQUESTS = {limit}", f"JITTER = {jitter}"} < set(made)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("threads = 2", "threads: has no effect: workers of an ASGI app have an event loop"),
        ("uvicorn.workers = 2", "cannot be set: workers in [apps.<name>] decides it"),
        ("uvicorn.fd = 3", "uvicorn.fd: cannot be set: systemd makes the socket"),
        ('uvicorn.forwarded_allow_ips = "*"', "cannot be set: requests come from the web server"),
        ('uvicorn.lop = "auto"', "uvicorn.lop: unknown key; did you mean loop?"),
        ("uvicorn.h11_max_incomplete_event_size = 2048", 'has no effect without http = "h11"'),
        ('gunicorn.loglevel = "info"', "belongs to another app server: this app uses uvicorn"),
    ],
)
def test_what_it_does_not_take_is_refused_with_the_reason(tmp_path, given, told):
    with pytest.raises(ConfigurationError) as refused:
        program(tmp_path, f"{given}\n")
    assert told in refused.value.output


def test_a_wsgi_app_is_refused_with_the_servers_that_run_it(tmp_path):
    with pytest.raises(ConfigurationError) as refused:
        inventory(tmp_path, HELLO + 'server = "uvicorn"\n')
    assert (
        'apps.hello.wsgi: uvicorn runs no WSGI apps; use server = "gunicorn" or server = "uwsgi" '
        'or server = "waitress"' in refused.value.output
    )


def test_it_comes_with_hashes(tmp_path):
    app = inventory(tmp_path, UVICORN).apps["hello"]
    needed = uvicorn.requirements(app)
    assert {"uvicorn", "uvloop", "httptools", "websockets"} < set(needed)
    assert all("--hash=sha256:" in line for line in needed.values())
