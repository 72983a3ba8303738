"""The example app as a visitor and the proxy see it; `examples/hello` is what the lab deploys."""

from __future__ import annotations

import hashlib
import importlib
import io
import os
import re
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

HELLO = Path(__file__).parents[1] / "examples" / "hello"
KEY = "k" * 43
SITE = "https://hello.lab"
# What nginx sends, before the app sees a request over its unix socket.
PROXIED = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.77"}

MakeApp = Callable[..., Any]


@pytest.fixture
def make_app(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> MakeApp:
    monkeypatch.syspath_prepend(HELLO)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def make(**environ: str) -> Any:
        given = {
            "SECRET_KEY": KEY,
            "HELLO_DATABASE": str(tmp_path / "instance" / "hello.sqlite3"),
            "HOMEPORT_RELEASE": "20261123T101502-1a2b3c4",
            **environ,
        }
        app = importlib.import_module("app").create_app(given)
        # As in production: an error becomes a page, not a traceback.
        app.config["PROPAGATE_EXCEPTIONS"] = False
        return app

    return make


@pytest.fixture
def ready_app(make_app: MakeApp) -> Any:
    app = make_app(HELLO_TEST_ENDPOINTS="1")
    assert app.test_cli_runner().invoke(args=["init-db"]).exit_code == 0
    return app


def get(client: Any, path: str, **given: Any) -> Any:
    return client.get(path, base_url=SITE, headers=PROXIED, **given)


def token_in(page: str) -> str:
    found = re.search(r'name="form_token" value="([^"]+)"', page)
    assert found
    return found.group(1)


def sign(client: Any, **form: str) -> Any:
    return client.post("/guestbook", base_url=SITE, headers=PROXIED, data=form)


@pytest.mark.parametrize("key", ["", "dev", "k" * 31])
def test_it_does_not_start_without_a_secret_key(make_app: MakeApp, key: str) -> None:
    with pytest.raises(RuntimeError, match="cannot start: SECRET_KEY"):
        make_app(SECRET_KEY=key)


def test_health_is_answered_with_the_release_before_there_is_a_database(make_app: MakeApp) -> None:
    answer = get(make_app(HELLO_DATABASE="/nonexistent/x").test_client(), "/healthz")
    assert answer.status_code == 200
    assert answer.json == {"status": "ok", "release": "20261123T101502-1a2b3c4"}
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers


def test_health_says_when_the_database_cannot_be_reached(make_app: MakeApp, tmp_path: Path) -> None:
    path = tmp_path / "damaged.sqlite3"
    path.write_text("this is no database")
    # The second cannot even be opened: what should be its folder is a file.
    for database in (path, path / "below"):
        answer = get(make_app(HELLO_DATABASE=str(database)).test_client(), "/healthz")
        assert (answer.status_code, answer.json["status"]) == (503, "no database")


def test_the_home_page_shows_what_the_proxy_tells(ready_app: Any) -> None:
    page = (
        ready_app.test_client()
        .get(
            "/",
            base_url="http://hello.lab",
            headers={**PROXIED, "X-Forwarded-Host": "evil.example"},
            environ_overrides={"REMOTE_ADDR": ""},
        )
        .text
    )
    for shown in (
        "<dd>https</dd>",
        "203.0.113.77",
        "https://hello.lab/",
        "20261123T101502-1a2b3c4",
    ):
        assert shown in page
    assert "evil.example" not in page


def test_only_the_last_address_of_a_forwarded_list_is_believed(ready_app: Any) -> None:
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "6.6.6.6, 203.0.113.77"}
    page = ready_app.test_client().get("/", base_url=SITE, headers=headers).text
    assert "203.0.113.77" in page
    assert "6.6.6.6" not in page


def test_visits_are_counted_in_a_cookie_that_is_safe(ready_app: Any) -> None:
    client = ready_app.test_client()
    first, second = get(client, "/"), get(client, "/")
    assert '<p class="number">1</p>' in first.text
    assert '<p class="number">2</p>' in second.text
    cookie = first.headers["Set-Cookie"]
    assert cookie.startswith("__Host-hello=")
    for attribute in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
        assert attribute in cookie
    assert "Domain" not in cookie


def test_a_cookie_signed_by_another_key_counts_for_nothing(
    make_app: MakeApp, ready_app: Any
) -> None:
    other = make_app(SECRET_KEY="other" * 8).test_client()
    get(other, "/")
    forged = other.get_cookie("__Host-hello", domain="hello.lab").value
    client = ready_app.test_client()
    client.set_cookie("__Host-hello", forged, domain="hello.lab", secure=True)
    assert '<p class="number">1</p>' in get(client, "/").text


def test_the_guest_book_keeps_entries_and_escapes_them(ready_app: Any) -> None:
    client = ready_app.test_client()
    token = token_in(get(client, "/").text)
    answer = sign(client, form_token=token, name=" Ada  L. ", message="<script>1</script>")
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/#guestbook"
    page = get(client, "/").text
    assert "Thank you" in page
    assert "Ada L." in page
    assert "&lt;script&gt;1&lt;/script&gt;" in page
    assert "Ada L." in get(ready_app.test_client(), "/").text


@pytest.mark.parametrize(
    ("form", "answered"),
    [
        ({"name": "", "message": "x"}, "fill in both"),
        ({"name": "Ada", "message": " \n "}, "fill in both"),
        ({"name": "a" * 41, "message": "x"}, "too long"),
        ({"name": "Ada", "message": "x" * 281}, "too long"),
    ],
)
def test_an_entry_that_is_incomplete_or_too_long_is_not_written(
    ready_app: Any, form: dict[str, str], answered: str
) -> None:
    client = ready_app.test_client()
    token = token_in(get(client, "/").text)
    assert sign(client, form_token=token, **form).status_code == 303
    page = get(client, "/").text
    assert answered in page
    assert "No entries yet" in page


@pytest.mark.parametrize("token", [None, "", "guessed", "ü"])
def test_a_forged_form_is_refused(ready_app: Any, token: str | None) -> None:
    client = ready_app.test_client()
    get(client, "/")
    form = {"name": "Eve", "message": "x"} | ({} if token is None else {"form_token": token})
    assert sign(client, **form).status_code == 400
    assert "No entries yet" in get(client, "/").text


def test_before_its_migration_the_app_serves_and_says_how_to_open_the_book(
    make_app: MakeApp,
) -> None:
    client = make_app().test_client()
    page = get(client, "/")
    assert page.status_code == 200
    assert "flask --app app init-db" in page.text
    with client.session_transaction(base_url=SITE) as session:
        token = session["form_token"]
    assert sign(client, form_token=token, name="Ada", message="x").status_code == 503


def test_the_migration_command_runs_as_the_inventory_says_and_twice(tmp_path: Path) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "SECRET_KEY": KEY,
        "HELLO_DATABASE": str(tmp_path / "new" / "hello.sqlite3"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    outputs = [
        subprocess.run(
            [sys.executable, "-m", "flask", "--app", "app", "init-db"],
            cwd=HELLO,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for _ in range(2)
    ]
    assert outputs == ["database version 0 -> 1", "database version 1 -> 1"]


def test_the_book_has_a_last_page(ready_app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["app.guestbook"], "_KEPT_ENTRIES", 3)
    client = ready_app.test_client()
    token = token_in(get(client, "/").text)
    for number in range(5):
        sign(client, form_token=token, name="Ada", message=f"entry {number}")
    page = get(client, "/").text
    assert [number for number in range(5) if f"entry {number}" in page] == [2, 3, 4]


def test_the_book_is_tidied_of_old_entries_only(ready_app: Any) -> None:
    client = ready_app.test_client()
    token = token_in(get(client, "/").text)
    for message in ("an old one", "a new one"):
        sign(client, form_token=token, name="Ada", message=message)
    database = sys.modules["app.database"]
    with ready_app.app_context(), database.connection() as connection:
        connection.execute(
            "UPDATE entry SET written_at = '2001-02-03T04:05:06Z' WHERE message = 'an old one'"
        )
    tidied = ready_app.test_cli_runner().invoke(args=["guestbook", "tidy"])
    assert tidied.output == "entries removed: 1\n"
    page = get(client, "/").text
    assert "a new one" in page
    assert "an old one" not in page


def test_before_its_migration_there_is_nothing_to_tidy(make_app: MakeApp) -> None:
    tidied = make_app().test_cli_runner().invoke(args=["guestbook", "tidy"])
    assert (tidied.exit_code, tidied.output) == (0, "the guest book is not open yet\n")


def test_errors_are_pages_without_details(ready_app: Any) -> None:
    @ready_app.get("/boom")
    def boom() -> str:
        raise RuntimeError("canary-of-the-inside")

    client = ready_app.test_client()
    missing, broken = get(client, "/no/such/page"), get(client, "/boom")
    assert (missing.status_code, broken.status_code) == (404, 500)
    assert "There is nothing at this address" in missing.text
    assert "Something went wrong on our side" in broken.text
    for inside in ("canary", "Traceback", "RuntimeError", "Debugger"):
        assert inside not in broken.text
    assert not ready_app.debug
    assert not ready_app.testing


def test_a_body_that_is_too_large_is_refused(ready_app: Any) -> None:
    client = ready_app.test_client()
    answer = client.post("/upload", base_url=SITE, data=b"x" * (10 * 1024 * 1024 + 1))
    assert answer.status_code == 413


def test_a_host_that_is_not_trusted_is_refused_without_an_error_of_ours(
    make_app: MakeApp,
) -> None:
    client = make_app(HELLO_TRUSTED_HOSTS="hello.lab, www.hello.lab").test_client()
    assert client.get("/healthz", base_url="https://www.hello.lab").status_code == 200
    assert client.get("/healthz", base_url="https://evil.example").status_code == 400


def test_endpoints_for_tests_exist_only_when_asked_for(make_app: MakeApp) -> None:
    for value in ("", "0", "true"):
        client = make_app(HELLO_TEST_ENDPOINTS=value).test_client()
        assert get(client, "/slow?seconds=0").status_code == 404
        assert get(client, "/stream?seconds=0").status_code == 404
        assert client.post("/echo", base_url=SITE).status_code == 404
        assert client.post("/upload", base_url=SITE).status_code == 404


def test_slow_is_bounded(ready_app: Any) -> None:
    client = ready_app.test_client()
    assert get(client, "/slow?seconds=0.01").json["slept_s"] == 0.01
    for seconds in ("-1", "30.1", "nan", "inf", "1e9"):
        assert get(client, f"/slow?seconds={seconds}").status_code == 400


def test_a_stream_comes_line_by_line_and_says_its_end(ready_app: Any) -> None:
    answer = get(ready_app.test_client(), "/stream?seconds=0.15", buffered=False)
    lines = list(answer.iter_encoded())
    assert lines == [b"20261123T101502-1a2b3c4\n", b".\n", b".\n", b"end\n"]
    assert answer.headers["X-Accel-Buffering"] == "no"
    for seconds in ("-1", "301", "nan"):
        assert get(ready_app.test_client(), f"/stream?seconds={seconds}").status_code == 400


def test_echo_and_upload_answer_with_what_was_sent(ready_app: Any) -> None:
    client = ready_app.test_client()
    body = os.urandom(100_000)
    echoed = client.post("/echo", base_url=SITE, data=body)
    assert echoed.data == body
    assert echoed.mimetype == "application/octet-stream"
    expected = {"size_bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}
    assert client.post("/upload", base_url=SITE, data=body).json == expected
    form = {"file": (io.BytesIO(body), "x.bin")}
    assert client.post("/upload", base_url=SITE, data=form).json == expected


class _Inline(HTMLParser):
    """Collects what a strict Content-Security-Policy would refuse, and what a page loads."""

    def __init__(self) -> None:
        super().__init__()
        self.refused: list[str] = []
        self.loaded: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.refused += [f"{tag} {name}" for name in given if name == "style" or name[:2] == "on"]
        if tag == "style" or (tag == "script" and "src" not in given):
            self.refused.append(tag)
        if tag in ("link", "img", "script"):
            self.loaded.append(given.get("href") or given.get("src") or "")


@pytest.mark.parametrize("path", ["/", "/no/such/page"])
def test_pages_hold_under_a_strict_policy_and_load_only_their_own_files(
    ready_app: Any, path: str
) -> None:
    client = ready_app.test_client()
    parser = _Inline()
    parser.feed(get(client, path).text)
    assert parser.refused == []
    assert len(parser.loaded) >= 2
    for address in parser.loaded:
        assert address.startswith("/static/")
        # A new release has new addresses, so no browser shows it with old files.
        assert address.endswith("?v=20261123T101502-1a2b3c4")
        assert get(client, address).status_code == 200


def test_every_requirement_is_pinned_with_the_digests_of_its_files() -> None:
    text = (HELLO / "requirements.txt").read_text()
    blocks = re.split(r"\n(?=[a-z])", re.sub(r"(?m)^\s*#.*\n", "", text).strip())
    assert {block.partition("==")[0] for block in blocks} >= {"flask", "werkzeug", "jinja2"}
    for block in blocks:
        assert re.match(r"[a-z0-9-]+==[0-9.]+ \\\n", block), block
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", block), block
    assert "://" not in text
