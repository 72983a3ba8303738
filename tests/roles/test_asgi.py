"""Apps that speak ASGI: what their servers and the web server are told."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from types import ModuleType, SimpleNamespace

import pytest

from provisioning.errors import ConfigurationError
from provisioning.inventory.models.app_servers import APP_SERVERS
from provisioning.roles import app_server
from provisioning.roles.app_servers import gunicorn
from tests.roles.samples import BOOKWORM, HELLO, RELEASE, compiled, inventory, text_of

ASGI = HELLO.replace('wsgi = "app:create_app()"', 'asgi = "app:create_app()"')
SERVERS = [name for name in APP_SERVERS if "asgi" in APP_SERVERS[name].interfaces]


@pytest.fixture
def settings(tmp_path, monkeypatch):
    """Return a function that gives the names that gunicorn's settings define."""
    stand_in = ModuleType("uvicorn_worker")
    stand_in.UvicornWorker = type("UvicornWorker", (), {"CONFIG_KWARGS": {"loop": "auto"}})
    monkeypatch.setitem(sys.modules, "uvicorn_worker", stand_in)

    def defined(text=""):
        app = inventory(tmp_path, ASGI + text).apps["hello"]
        names = {"__name__": "settings"}
        exec(gunicorn.files(app, BOOKWORM, RELEASE)["server.py"], names)
        return names

    return defined


def test_gunicorn_runs_the_app_in_workers_of_uvicorn(settings):
    made = settings("drain_timeout_s = 70\n")
    assert made["wsgi_app"] == "app:create_app()"
    given = made["worker_class"].CONFIG_KWARGS
    assert given["loop"] == "auto"
    assert given["headers"] == [("X-Homeport-Release", RELEASE)]
    # uvicorn ends what is in progress before gunicorn ends the worker.
    assert given["timeout_graceful_shutdown"] == 70 < made["graceful_timeout"]
    assert made["forwarded_allow_ips"] == "*"
    assert not {"threads", "worker_connections", "limit_request_line"} & made.keys()


def test_a_worker_whose_master_was_killed_ends_as_if_it_was_told_to(settings, monkeypatch):
    sent = []
    monkeypatch.setattr(os, "kill", lambda *given: sent.append(given))
    worker = SimpleNamespace(ppid=os.getppid(), wsgi=None, notify=lambda: sent.append("alive"))
    settings()["post_worker_init"](worker)
    worker.notify()
    assert sent == ["alive"]
    worker.ppid = -1
    worker.notify()
    assert sent[1:] == [(os.getpid(), signal.SIGTERM), "alive"]


@pytest.fixture(params=SERVERS)
def finishing(request, tmp_path):
    """What each server wraps an app in."""
    app = inventory(tmp_path, f'{ASGI}server = "{request.param}"\n').apps["hello"]
    made = app_server(request.param).files(app, BOOKWORM, RELEASE)["server.py"]
    names = {"asyncio": asyncio, "contextlib": contextlib}
    exec(made[made.index("def finishing") :].partition("\n\n\n")[0], names)
    return names["finishing"]


START = {"type": "http.response.start", "status": 405, "headers": []}
END = {"type": "http.response.body"}
PART = {**END, "more_body": True}


def answered(finishing, answer, *, reads=0, comes=3, length=b"3"):
    """Return what a server is sent, each with how many parts of the body were unread then.

    Args:
        finishing: What the app is wrapped in.
        answer: The messages that the app sends.
        reads: How many parts of the body the app reads before.
        comes: How many of three parts the web server sends.
        length: The body's length.
    """
    parts = [{"type": "http.request", "body": b"x", "more_body": left > 0} for left in (2, 1, 0)]
    seen = []

    async def receive():
        if len(parts) <= 3 - comes:
            await asyncio.sleep(3600)
        return parts.pop(0)

    async def send(message):
        seen.append((message, len(parts)))

    async def app(scope, receive, send):
        for _ in range(reads):
            await receive()
        for message in answer:
            await send(message)

    scope = {"type": "http", "headers": [(b"content-length", length)]}
    asyncio.run(finishing(app)(scope, receive, send))
    return seen


@pytest.mark.parametrize("reads", [0, 1, 3])
def test_the_body_of_a_request_is_read_before_its_answer_begins(finishing, reads):
    assert answered(finishing, [START, END], reads=reads) == [(START, 0), (END, 0)]


def test_an_answer_in_parts_is_not_held_up(finishing):
    seen = answered(finishing, [START, PART, END])
    assert seen == [(START, 3), (PART, 3), (END, 0)]


def test_an_answer_that_the_web_server_has_begun_to_pass_on_ends_without_the_rest(finishing):
    seen = answered(finishing, [START, PART, END], comes=1)
    assert seen == [(START, 3), (PART, 3), (END, 2)]


def test_a_request_without_a_body_is_left_alone(finishing):
    assert answered(finishing, [START, END], length=b"0") == [(START, 3), (END, 3)]


def test_only_streams_of_asgi_apps_may_be_quiet_for_long(tmp_path):
    asgi = text_of(compiled(tmp_path / "a", ASGI)["file-set:nginx"], "apps/hello.conf")
    wsgi = text_of(compiled(tmp_path / "w", HELLO)["file-set:nginx"], "apps/hello.conf")
    assert "homeport_stream" not in wsgi
    before, _, streams = asgi.partition("location @homeport_streams_hello {")
    assert "proxy_read_timeout 3600s;" in streams
    assert set(_lines(before, "proxy_read_timeout")) == {"proxy_read_timeout 35s;"}
    # Whoever opens a stream is counted and turned away like any other visitor.
    for each in ("limit_req ", "limit_conn ", "include /srv/hello/maintenance"):
        assert _lines(streams, each) == _lines(before.partition("location / {")[2], each) != []


def _lines(text: str, start: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip().startswith(start)]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("threads = 2", "7: apps.hello.threads: has no effect: workers of an ASGI app have"),
        (
            'gunicorn.worker_class = "gthread"',
            "7: apps.hello.gunicorn.worker_class: workers of class gthread do not run ASGI apps",
        ),
        (
            "gunicorn.worker_connections = 5",
            "7: apps.hello.gunicorn.worker_connections: has no effect: workers of class uvicorn",
        ),
        (
            'gunicorn.header_map = "drop"',
            "7: apps.hello.gunicorn.header_map: has no effect: uvicorn reads the requests",
        ),
        ("gunicorn.root_path = 'x'", "it is for gunicorn's own ASGI workers"),
        ('server = "waitress"', "4: apps.hello.asgi: waitress runs no ASGI apps; use server = "),
        ('server = "uwsgi"', 'use server = "gunicorn" or server = "uvicorn"'),
        ('wsgi = "app:app"', "4: apps.hello.asgi: wsgi is there too; remove the one"),
    ],
)
def test_what_does_not_fit_an_asgi_app_is_refused_with_its_line(tmp_path, given, told):
    with pytest.raises(ConfigurationError) as refused:
        inventory(tmp_path, "[hosts.web1]\n" + ASGI.lstrip("\n") + f"\n{given}\n")
    assert told in refused.value.output
    assert refused.value.message.endswith(": 1 mistake")


def test_the_worker_of_asgi_apps_is_refused_for_a_wsgi_app(tmp_path):
    text = HELLO + 'gunicorn.worker_class = "uvicorn_worker.UvicornWorker"\n'
    with pytest.raises(ConfigurationError) as refused:
        inventory(tmp_path, text)
    assert "do not run WSGI apps; remove the key" in refused.value.output
