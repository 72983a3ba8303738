import atexit
import os
import socket
from dataclasses import replace
from types import SimpleNamespace

import pytest

from provisioning.roles.app_servers import gunicorn
from tests.roles.samples import BOOKWORM, HELLO, compiled, inventory, text_of

RELEASE = "20260102T030405.000Z-abcdef0"


def settings(tmp_path, text="", facts=BOOKWORM):
    """Return the names that a release's server.py defines."""
    app = inventory(tmp_path, HELLO + text).apps["hello"]
    names = {}
    exec(gunicorn.server_config(app, facts, RELEASE), names)
    return names


def test_a_release_runs_from_its_own_directory_on_its_own_socket(tmp_path):
    made = settings(tmp_path)
    assert made["wsgi_app"] == "app:create_app()"
    assert made["chdir"] == f"/srv/hello/releases/{RELEASE}/code"
    assert made["bind"] == f"unix:/run/hello/{RELEASE}.sock"


def test_a_factorys_arguments_reach_gunicorn_as_they_were_written(tmp_path):
    text = HELLO.replace('"app:create_app()"', "'app:create_app(\"it is\", n=1)'")
    app = inventory(tmp_path, text).apps["hello"]
    names = {}
    exec(gunicorn.server_config(app, BOOKWORM, RELEASE), names)
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
    made = settings(tmp_path, f'worker_class = "{kind}"\nthreads = 7\n')
    assert made["worker_class"] == kind
    assert made.get("threads") == (7 if kind == "gthread" else None)


def test_every_waiting_ends_before_the_one_around_it(tmp_path):
    text = "timeout_s = 50\ndrain_timeout_s = 70\n"
    made = settings(tmp_path, text)
    resources = compiled(tmp_path, HELLO + text)
    site = text_of(resources["fileset:nginx"], "apps/hello.conf")
    unit = text_of(resources["unit:hello@.service"])
    assert made["timeout"] == 50
    assert "proxy_read_timeout 55s;" in site
    assert made["graceful_timeout"] == 70
    assert "TimeoutStopSec=85" in unit


def test_the_app_never_learns_of_https_but_from_nginx(tmp_path):
    assert settings(tmp_path)["secure_scheme_headers"] == {"X-FORWARDED-PROTO": "https"}


def test_header_limits_are_at_least_those_of_nginx(tmp_path):
    limits = text_of(compiled(tmp_path, HELLO)["fileset:nginx"], "conf.d/limits.conf")
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
    assert gunicorn.upstream(app).socket == "/srv/hello/live.sock"


@pytest.fixture
def systemd(tmp_path, monkeypatch):
    """The socket on which systemd would be told."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
        notified.bind(str(tmp_path / "notify"))
        notified.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield notified


def test_the_listening_socket_is_kept_by_systemd_until_the_master_ends_by_itself(
    tmp_path, systemd, monkeypatch
):
    made = settings(tmp_path)
    at_exit = []
    monkeypatch.setattr(atexit, "register", lambda *call: at_exit.append(call))
    made["SOCKET"] = str(tmp_path / "app.sock")
    with socket.socket(socket.AF_UNIX) as listening:
        made["when_ready"](SimpleNamespace(LISTENERS=[listening]))
        told, descriptors, _, _ = socket.recv_fds(systemd, 1000, 2)
        assert told.decode().split("\n") == ["FDSTORE=1", "FDNAME=listening"]
        [kept] = descriptors
        assert os.path.sameopenfile(kept, listening.fileno())
        os.close(kept)
    (tmp_path / "app.sock").touch()
    [(let_go, master)] = at_exit
    let_go(master + 1)  # In a worker.
    assert (tmp_path / "app.sock").exists()
    let_go(master)
    assert not (tmp_path / "app.sock").exists()
    assert systemd.recv(1000).decode().split("\n") == ["FDSTOREREMOVE=1", "FDNAME=listening"]


def test_a_gevent_worker_whose_master_was_killed_finishes(tmp_path):
    made = settings(tmp_path, 'worker_class = "gevent"\n')
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
