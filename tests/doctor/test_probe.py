"""The program that asks an app about itself, with real apps."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from provisioning.doctor import inside
from provisioning.doctor.seen import AppSays
from provisioning.inventory.models.app import App

MARKER = "marker"

FLASK = """
import logging, os
from flask import Flask, request
from werkzeug.middleware.proxy_fix import ProxyFix

print("noise on stdout")
app = Flask(__name__)
app.secret_key = os.environ["SECRET_KEY"]

@app.get("/healthz")
def healthz():
    return "ok"
"""

GOOD = """
app.config.update(SESSION_COOKIE_SECURE=True, SESSION_COOKIE_SAMESITE="Lax")
app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1)
"""

KEY = "0123456789abcdefghijABCDEFGHIJ0123456789"


def ask(folder: Path, source: str, *, wsgi: str = "site_app:app", **keys: Any) -> AppSays:
    (folder / "site_app.py").write_text(source)
    speaks = {} if "asgi" in keys else {"wsgi": wsgi}
    app = App(name="hello", source=".", domains=["hello.test"], **speaks, **keys)
    done = subprocess.run(
        [sys.executable, "-"],
        input=inside.program(app, MARKER, everything=True).encode(),
        cwd=folder,
        env={"SECRET_KEY": KEY, "PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        check=False,
    )
    assert KEY.encode() not in done.stdout
    return inside.parsed(done.stdout, MARKER)


def test_a_good_app(tmp_path: Path) -> None:
    said = ask(tmp_path, FLASK + GOOD)
    assert (said.error, said.framework, said.debug, said.leaks) == ("", "flask", False, False)
    assert said.secret_key is not None
    assert (said.secret_key.chars, said.secret_key.variable) == (40, "SECRET_KEY")
    assert said.proxied is not None
    assert (said.proxied.client, said.proxied.url) == ("203.0.113.77", "https://hello.test/")
    assert said.cookies is not None
    assert said.cookies.secure
    assert said.health == 200
    assert said.warnings is None


def test_a_bad_app(tmp_path: Path) -> None:
    log = 'logging.getLogger("x").addHandler(logging.FileHandler("x.log"))\n'
    bad = 'app.debug = True\napp.secret_key = "dev"\napp.config["PROPAGATE_EXCEPTIONS"] = True\n'
    said = ask(tmp_path, FLASK + bad + log)
    assert (said.debug, said.leaks) == (True, True)
    assert said.secret_key is not None
    assert (said.secret_key.chars, said.secret_key.variable) == (3, "")
    assert said.proxied is not None
    assert said.proxied.client == ""
    assert said.cookies is not None
    assert not said.cookies.secure
    assert said.log_files == (str(tmp_path / "x.log"),)


def test_a_factory_behind_middleware_is_asked_all_the_same(tmp_path: Path) -> None:
    wrapped = "\ndef make():\n    return lambda environ, start: app(environ, start)\n"
    said = ask(tmp_path, FLASK + GOOD + wrapped, wsgi="site_app:make()")
    assert (said.framework, said.health) == ("flask", 200)


def test_an_app_of_no_known_framework_says_what_it_can(tmp_path: Path) -> None:
    source = """
def app(environ, start_response):
    start_response("200 OK", [])
    return [b"ok"]
"""
    said = ask(tmp_path, source)
    assert (said.error, said.debug, said.health) == ("", None, 200)


def test_an_app_that_cannot_be_imported_says_why(tmp_path: Path) -> None:
    assert "KeyError" in ask(tmp_path, "import os\nos.environ['NOT_THERE']").error


HOSTILE = [
    b"",
    b"nothing of ours",
    b"marker",
    b"marker{",
    b"marker[]",
    b"marker" + b"[" * 100_000,
    b'marker{"settings": {"framework": 1, "debug": false}}',
    b'marker{"settings": {"framework": "flask", "debug": "no"}}',
    b'marker{"settings": {"framework": "fl\\u001b[31mask", "debug": false}}',
    b'marker{"health": "200"}',
    b'marker{"log_files": ["' + b"x" * 300 + b'"]}',
]


@pytest.mark.parametrize("output", HOSTILE)
def test_what_an_app_says_is_checked(output: bytes) -> None:
    said = inside.parsed(output, MARKER)
    assert said == AppSays(error=said.error)
    assert "no answer that can be read" in said.error


def test_more_keys_than_expected_are_dropped_and_the_last_answer_counts() -> None:
    first, last = {"health": 500}, {"health": 200, "more": [1]}
    output = b"".join(b"\nmarker" + json.dumps(each).encode() for each in (first, last))
    assert inside.parsed(output + b"\n", MARKER).health == 200


def test_an_app_that_prints_without_end_is_stopped() -> None:
    printed = inside.Printed("")
    printed.write(b"x" * 1000, error=True)
    assert printed.output == b""
    with pytest.raises(inside.TooMuchError):
        printed.write(b"x" * inside.MOST_BYTES, error=False)


ASGI = """
started = []

class Site:
    debug = False

    async def __call__(self, scope, receive, send):
        if scope["type"] == "lifespan":
            LIFESPAN
        assert (await receive())["more_body"] is False
        seen = (scope["path"], scope["root_path"], scope["scheme"], dict(scope["headers"])[b"host"])
        right = seen == ("PREFIX/healthz", "PREFIX", "https", b"hello.test") and STARTED
        await send({"type": "http.response.start", "status": 200 if right else 500, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})

app = Site()
"""

STARTS = """while True:
                message = await receive()
                started.append(1)
                await send({"type": message["type"] + ".complete"})
                if message["type"] == "lifespan.shutdown":
                    return"""


@pytest.mark.parametrize("prefix", ["", "/shop"])
@pytest.mark.parametrize(
    ("lifespan", "started"),
    [(STARTS, "started == [1]"), ("raise NotImplementedError", "True")],
    ids=["with a lifespan", "without"],
)
def test_an_asgi_app_is_started_and_asked(
    tmp_path: Path, lifespan: str, started: str, prefix: str
) -> None:
    source = ASGI.replace("LIFESPAN", lifespan).replace("STARTED", started)
    source = source.replace("PREFIX", prefix)
    said = ask(tmp_path, source, asgi="site_app:app", prefix=f"{prefix}/")
    assert (said.error, said.debug, said.health) == ("", False, 200)


@pytest.mark.parametrize(
    "lifespan",
    ['await send({"type": "lifespan.startup.failed"})', "import os; os.abort()"],
)
def test_an_asgi_app_that_cannot_start_is_not_well(tmp_path: Path, lifespan: str) -> None:
    source = ASGI.replace("LIFESPAN", lifespan).replace("STARTED", "True")
    said = ask(tmp_path, source, asgi="site_app:app")
    assert said.health in (0, None)
    assert bool(said.error) == (said.health is None)


def test_a_flask_app_below_a_path_builds_its_urls_below_it(tmp_path: Path) -> None:
    said = ask(tmp_path, FLASK + GOOD, prefix="/shop/")
    assert said.proxied is not None
    assert said.proxied.url == "https://hello.test/shop/"
    assert said.health == 200
