import os
import shlex
import subprocess
from dataclasses import replace
from types import SimpleNamespace

import pytest

from provisioning.roles.app_servers import gunicorn
from provisioning.roles.app_servers.units import upstream
from tests.roles.samples import BOOKWORM, HELLO, RELEASE, compiled, inventory, text_of, units_of


def settings(tmp_path, text="", facts=BOOKWORM):
    """Return the names that a release's server.py defines."""
    app = inventory(tmp_path, HELLO + text).apps["hello"]
    names = {}
    exec(gunicorn.files(app, facts, RELEASE)["server.py"], names)
    return names


def units(tmp_path, text=""):
    """Return the lines of the socket's and of the service's unit file."""
    made = units_of(tmp_path, HELLO + text)
    assert sorted(made) == [f"hello@{RELEASE}.service", f"hello@{RELEASE}.socket"]
    return [made[f"hello@{RELEASE}.{kind}"].splitlines() for kind in ("socket", "service")]


def test_a_release_runs_from_its_own_directory_on_its_own_socket(tmp_path):
    made = settings(tmp_path)
    assert made["wsgi_app"] == "app:create_app()"
    assert made["chdir"] == f"/srv/hello/releases/{RELEASE}/code"
    assert made["bind"] == f"unix:/run/homeport-sockets/hello/{RELEASE}.sock"
    _, service = units(tmp_path)
    assert f"WorkingDirectory=/srv/hello/releases/{RELEASE}/code" in service
    assert f"EnvironmentFile=/srv/hello/releases/{RELEASE}/env" in service
    (start,) = [line for line in service if line.startswith("ExecStart=")]
    release = f"/srv/hello/releases/{RELEASE}"
    assert start == f"ExecStart={release}/venv/bin/gunicorn --config {release}/server.py"


def test_a_factorys_arguments_reach_gunicorn_as_they_were_written(tmp_path):
    text = HELLO.replace('"app:create_app()"', "'app:create_app(\"it is\", n=1)'")
    app = inventory(tmp_path, text).apps["hello"]
    names = {}
    exec(gunicorn.files(app, BOOKWORM, RELEASE)["server.py"], names)
    assert names["wsgi_app"] == 'app:create_app("it is", n=1)'


@pytest.mark.parametrize(
    ("cores", "memory_mb", "workers"),
    [(1, 1984, 3), (2, 1984, 5), (4, 1984, 8), (16, 64_000, 12), (2, 192, 2), (2, 0, 5)],
)
def test_workers_follow_cores_as_far_as_memory_for_two_releases_goes(
    tmp_path, cores, memory_mb, workers
):
    facts = replace(BOOKWORM, cores=cores, memory_mb=memory_mb)
    assert settings(tmp_path, facts=facts)["workers"] == workers


def test_a_number_of_workers_that_was_asked_for_is_taken(tmp_path):
    assert settings(tmp_path, "workers = 20\n")["workers"] == 20


@pytest.mark.parametrize("kind", ["sync", "gthread", "gevent"])
def test_threads_are_set_only_for_the_class_that_has_them(tmp_path, kind):
    threads = "threads = 7\n" if kind == "gthread" else ""
    made = settings(tmp_path, f'{threads}gunicorn.worker_class = "{kind}"\n')
    assert made["worker_class"] == kind
    assert made.get("threads") == (7 if kind == "gthread" else None)


def test_every_waiting_ends_before_the_one_around_it(tmp_path):
    text = "timeout_s = 50\ndrain_timeout_s = 70\n"
    made = settings(tmp_path, text)
    site = text_of(compiled(tmp_path, HELLO + text)["file-set:nginx"], "apps/hello.conf")
    _, service = units(tmp_path, text)
    assert made["timeout"] == 50
    assert "proxy_read_timeout 55s;" in site
    assert made["graceful_timeout"] == 70
    assert "TimeoutStopSec=85" in service


def test_the_app_never_learns_of_https_but_from_nginx(tmp_path):
    assert settings(tmp_path)["secure_scheme_headers"] == {"X-FORWARDED-PROTO": "https"}


def test_header_limits_are_at_least_those_of_nginx(tmp_path):
    limits = text_of(compiled(tmp_path, HELLO)["file-set:nginx"], "homeport/server.conf")
    assert "large_client_header_buffers 4 8k;" in limits
    made = settings(tmp_path)
    # Two bytes short of nginx's buffer: the line's end. 8190 is the most gunicorn takes.
    assert made["limit_request_line"] == made["limit_request_field_size"] == 8190


def test_every_answer_says_which_release_it_came_from(tmp_path):
    class Worker:
        @staticmethod
        def wsgi(environ, start_response):
            start_response("200 OK", [("Content-Type", "text/plain")], None)
            return [environ["PATH_INFO"].encode()]

    worker = Worker()
    settings(tmp_path)["post_worker_init"](worker)
    started = []
    body = worker.wsgi({"PATH_INFO": "/x"}, lambda *arguments: started.append(arguments))
    assert list(body) == [b"/x"]
    headers = [("Content-Type", "text/plain"), ("X-Homeport-Release", RELEASE)]
    assert started == [("200 OK", headers, None)]


def test_the_web_server_is_sent_to_the_link_and_never_to_one_release(tmp_path):
    app = inventory(tmp_path, HELLO).apps["hello"]
    assert upstream(app).socket == "/srv/hello/live.sock"


def test_systemd_makes_the_socket_and_hands_it_to_every_master(tmp_path):
    socket, service = units(tmp_path)
    listens = [line for line in socket if line.startswith("Listen")]
    assert listens == [f"ListenStream=/run/homeport-sockets/hello/{RELEASE}.sock"]
    # What gunicorn believes to bind is what it is given, or it would make one of its own.
    assert settings(tmp_path)["bind"] == f"unix:{listens[0].partition('=')[2]}"
    assert f"Sockets=hello@{RELEASE}.socket" in service
    assert f"Wants=hello@{RELEASE}.socket" in service
    (after,) = [line for line in service if line.startswith("After=")]
    assert f"hello@{RELEASE}.socket" in after.partition("=")[2].split()
    # With these the web server would be stopped when its socket is.
    assert not [line for line in service if line.startswith(("Requires=", "BindsTo="))]
    # Connections that wait outlive a master that was killed; a socket that is stopped is gone.
    assert "RemoveOnStop=yes" in socket
    assert "TriggerLimitIntervalSec=0" in socket
    assert not [line for line in (*socket, *service) if line.startswith(("FDSTORE", "FileDesc"))]


@pytest.mark.parametrize(
    ("result", "is_stopped"),
    [("exit-code", True), ("signal", False), ("success", False), ("timeout", False),
     ("watchdog", False), ("oom-kill", False), ("core-dump", False)],
)  # fmt: skip
def test_only_a_web_server_that_ended_by_itself_takes_its_socket_with_it(
    tmp_path, result, is_stopped
):
    _, service = units(tmp_path)
    (line,) = [line for line in service if line.startswith("ExecStopPost=")]
    called = tmp_path / "called"
    called.touch()
    (tmp_path / "systemctl").write_text(
        f'#!/bin/sh\necho "systemctl $*" >>{called}\nenv >>{called}\n'
    )
    (tmp_path / "sleep").write_text(f'#!/bin/sh\necho "sleep $*" >>{called}\n')
    for name in ("systemctl", "sleep"):
        (tmp_path / name).chmod(0o755)
        line = line.replace(f"/bin/{name} ", f"{tmp_path}/{name} ")
    # Source: systemd.service(5), COMMAND LINES: "+" is for root's rights, "$$" is a dollar.
    words = shlex.split(line.removeprefix("ExecStopPost=").removeprefix("+"))
    argv = [word.replace("$$", "$").replace("${SERVICE_RESULT}", result) for word in words]
    ran = subprocess.run(argv, env={"CANARY": "of the app", "SERVICE_RESULT": result})
    assert ran.returncode == 0
    told = called.read_text().splitlines()
    assert "CANARY=of the app" not in told
    calls = [line for line in told if line.startswith(("systemctl", "sleep"))]
    stopped = [f"systemctl stop hello@{RELEASE}.socket", "sleep 1"]
    assert calls == (stopped if is_stopped else [])


def test_what_it_needs_comes_with_hashes_and_by_its_worker_class(tmp_path):
    plain = gunicorn.requirements(inventory(tmp_path, HELLO).apps["hello"])
    text = HELLO + 'gunicorn.worker_class = "gevent"\n'
    gevent = gunicorn.requirements(inventory(tmp_path, text).apps["hello"])
    assert set(plain) == {"gunicorn"}
    assert {*plain, "gevent", "greenlet", "zope-interface"} < set(gevent)
    assert all("--hash=sha256:" in line for line in gevent.values())
    assert {name: gevent[name] for name in plain} == plain


def test_a_gevent_worker_whose_master_was_killed_finishes(tmp_path):
    made = settings(tmp_path, 'gunicorn.worker_class = "gevent"\n')
    notified = []
    worker = SimpleNamespace(
        alive=True, ppid=os.getppid(), wsgi=None, notify=lambda: notified.append(worker.ppid)
    )
    made["post_worker_init"](worker)
    worker.notify()
    assert worker.alive
    worker.ppid = -1
    worker.notify()
    assert not worker.alive
    # gunicorn's own method would end it at once if it saw that its master has changed.
    assert notified == [os.getppid()] * 2


class Body:
    """What is left of a request's body.

    Args:
        left: Bytes that can be read.
        breaks: Whether the connection ends after these.
    """

    def __init__(self, left, *, breaks=False):
        self.left, self.breaks = left, breaks

    def read(self, size):
        if not self.left and self.breaks:
            raise ConnectionResetError
        taken = min(size, self.left)
        self.left -= taken
        return b"x" * taken


@pytest.mark.parametrize("breaks", [False, True])
@pytest.mark.parametrize("kind", ["sync", "gthread", "gevent"])
def test_the_rest_of_a_body_is_read_before_the_connection_is_closed(tmp_path, kind, breaks):
    made = settings(tmp_path, f'gunicorn.worker_class = "{kind}"\n')
    body = Body(9_000_000, breaks=breaks)
    made["post_request"](None, SimpleNamespace(body=body), {}, None)
    assert body.left == 0
