"""An app that answers for ever holds up no deploy: a question has one deadline, whatever comes."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest

from provisioning.agent.machine import http
from provisioning.agent.machine.http import BODY_BYTES, HEAD_BYTES, INTERIM_ANSWERS, Answer
from tests.attacks.hostile_app import hostile_app, hostile_site

TIMEOUT_S = 0.4
PAUSE_S = 0.05
PARTS = 60
"""An app that is not left alone sends for 3 s."""

FLOOD = 100_000
"""More pieces than any buffer between the two holds."""

OK = b"HTTP/1.1 200 OK\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def _ask(path: Path, timeout_s: float = TIMEOUT_S) -> Answer:
    return http.ask_release(str(path), "/healthz", "hello.test", timeout_s)


def _drip(data: bytes) -> list[bytes]:
    return [bytes([byte]) for byte in data]


SLOW = {
    "interim answers": ([CONTINUE] * PARTS, 0.1, "no answer"),
    "a status line": (_drip(b"HTTP/1.1 200 " + b"O" * PARTS), PAUSE_S, "no answer"),
    "headers": ([OK, *[b"x: y\r\n"] * PARTS], PAUSE_S, "no answer"),
    "a line of headers": ([OK, *_drip(b"x" * PARTS)], PAUSE_S, "no answer"),
    "a body that has a length": (
        [OK + b"Content-Length: 60\r\n\r\n", *_drip(b"x" * 60)],
        PAUSE_S,
        "status 200, but no complete body",
    ),
    "a body without a length": (
        [OK + b"\r\n", *_drip(b"x" * PARTS)],
        PAUSE_S,
        "status 200, but no complete body",
    ),
    "a body in chunks": (
        [OK + b"Transfer-Encoding: chunked\r\n\r\n", *[b"1\r\nx\r\n"] * PARTS],
        PAUSE_S,
        "status 200, but no complete body",
    ),
    "the line before a chunk": (
        [OK + b"Transfer-Encoding: chunked\r\n\r\n", *_drip(b"1" + b";" * PARTS)],
        PAUSE_S,
        "status 200, but no complete body",
    ),
}


@pytest.mark.parametrize("kind", SLOW)
def test_an_answer_that_goes_on_for_ever_ends_at_the_deadline(tmp_path: Path, kind: str) -> None:
    parts, pause_s, reason = SLOW[kind]
    with hostile_app(tmp_path / "app.sock", parts, pause_s) as app:
        answer = _ask(tmp_path / "app.sock")
    assert (answer.status, answer.body) == (0, f"{reason} within 0.4 s")
    # It was left while it had more to send.
    assert (app.asked, app.sent_all) == (1, 0)


@pytest.mark.parametrize("kind", SLOW)
def test_so_it_does_through_tls(tmp_path: Path, kind: str) -> None:
    parts, pause_s, reason = SLOW[kind]
    with hostile_site(tmp_path, parts, pause_s) as (app, port):
        answer = http.get_address(
            "127.0.0.1", port, "/", {"Host": "hello.test"}, tls=True, timeout_s=TIMEOUT_S
        )
    assert (answer.status, answer.body) == (0, f"{reason} within 0.4 s")
    assert (app.asked, app.sent_all) == (1, 0)


def test_a_server_that_says_nothing_to_a_handshake_ends_at_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        answer = http.get_address(
            "127.0.0.1",
            silent.getsockname()[1],
            "/",
            {"Host": "hello.test"},
            tls=True,
            timeout_s=0.1,
        )
    assert (answer.status, answer.body) == (0, "no connection within 0.1 s")


def test_a_gate_is_not_outlasted_by_an_app_that_never_ends_its_answers(tmp_path: Path) -> None:
    """As the gate asks: each question may take what is left of the gate's time, and no more."""
    parts = [CONTINUE] * PARTS
    with hostile_app(tmp_path / "app.sock", parts, 0.1) as app:
        until = time.monotonic() + 1.0
        while (left_s := until - time.monotonic()) > 0:
            assert _ask(tmp_path / "app.sock", min(TIMEOUT_S, left_s)).status == 0
    assert app.asked
    # A whole answer takes 6 s.
    assert app.sent_all == 0


def test_no_time_left_is_no_answer(tmp_path: Path) -> None:
    with hostile_app(tmp_path / "app.sock", [OK + b"\r\n"]) as app:
        answer = _ask(tmp_path / "app.sock", timeout_s=0)
    assert (answer.status, answer.body, app.asked) == (0, "no connection within 0 s", 0)


FLOODS = {
    "interim answers": (
        [CONTINUE] * FLOOD,
        f"more than {INTERIM_ANSWERS} interim answers, such as 100 Continue",
    ),
    "early hints": (
        [b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"] * FLOOD,
        f"more than {INTERIM_ANSWERS} interim answers, such as 100 Continue",
    ),
    "headers": ([OK, *[b"x: " + b"y" * 1000 + b"\r\n"] * FLOOD], f"more than {HEAD_BYTES} bytes"),
    "one header": ([OK + b"x: ", *[b"y" * 1000] * FLOOD], f"more than {HEAD_BYTES} bytes"),
    "headers of interim answers": (
        [b"HTTP/1.1 100 Continue\r\n", *[b"x: " + b"y" * 1000 + b"\r\n"] * FLOOD],
        f"more than {HEAD_BYTES} bytes",
    ),
    "the line before a chunk": (
        [OK + b"Transfer-Encoding: chunked\r\n\r\n", *[b";" * 1000] * FLOOD],
        "is not chunked",
    ),
}


@pytest.mark.parametrize("kind", FLOODS)
def test_a_flood_is_not_read_to_its_end(tmp_path: Path, kind: str) -> None:
    parts, reason = FLOODS[kind]
    with hostile_app(tmp_path / "app.sock", parts) as app:
        answer = _ask(tmp_path / "app.sock", timeout_s=30)
    assert answer.status == 0
    assert reason in answer.body
    assert app.sent_all == 0


def test_the_beginning_of_a_body_without_end_is_enough(tmp_path: Path) -> None:
    for number, head in enumerate(
        (b"", b"Content-Length: 999999999999\r\n", b"Transfer-Encoding: chunked\r\n")
    ):
        part = b"400\r\n" + b"x" * 1024 + b"\r\n" if b"chunked" in head else b"x" * 1024
        path = tmp_path / f"{number}.sock"
        with hostile_app(path, [OK + head + b"\r\n", *[part] * FLOOD]) as app:
            answer = _ask(path, timeout_s=30)
        assert (answer.status, answer.body) == (200, "x" * BODY_BYTES)
        assert app.sent_all == 0


NO_ANSWERS = {
    b"": "it closed the connection before it answered",
    b"SSH-2.0-OpenSSH\r\n": "its answer is not HTTP: 'SSH-2.0-OpenSSH\\r\\n'",
    b"HTTP/1.1 2000 OK\r\n\r\n": "its answer is not HTTP: 'HTTP/1.1 2000 OK\\r\\n'",
    OK + b"x: y\r\n": "it closed the connection before it answered",
    OK + b"Content-Length: 9\r\n\r\nshort": "its body is shorter than its Content-Length",
    OK + b"Content-Length: -1\r\n\r\n": "its Content-Length is not a number",
    OK + b"Content-Length: " + b"9" * 9000 + b"\r\n\r\n": "its Content-Length is not a number",
    OK + b"Transfer-Encoding: gzip\r\n\r\n": "its Transfer-Encoding is not chunked",
    OK + b"Transfer-Encoding: chunked\r\n\r\nfff": "its body is shorter than its Content-Length",
    OK + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n": "is not chunked",
    OK + b"x: y\r\n" * 101 + b"\r\n": "got more than 100 headers",
}


@pytest.mark.parametrize("data", NO_ANSWERS, ids=range(len(NO_ANSWERS)))
def test_what_is_no_answer_is_said(tmp_path: Path, data: bytes) -> None:
    with hostile_app(tmp_path / "app.sock", [data]):
        answer = _ask(tmp_path / "app.sock", timeout_s=30)
    assert answer.status == 0
    assert NO_ANSWERS[data] in answer.body


ANSWERS = {
    OK + b"Content-Length: 2\r\nX-A: b\r\n\r\nok": Answer(
        200, "ok", {"content-length": "2", "x-a": "b"}
    ),
    b"HTTP/1.0 503 \r\n\r\nsorry": Answer(503, "sorry", {}),
    b"HTTP/1.1 204\nx: y\n\n": Answer(204, "", {"x": "y"}),
    CONTINUE * INTERIM_ANSWERS + OK + b"Content-Length: 0\r\n\r\n": Answer(
        200, "", {"content-length": "0"}
    ),
    OK + b"Transfer-Encoding: chunked\r\n\r\n1;a=b\r\nx\r\n00a\r\n0123456789\r\n0\r\n\r\n": Answer(
        200, "x0123456789", {"transfer-encoding": "chunked"}
    ),
}


@pytest.mark.parametrize("data", ANSWERS, ids=range(len(ANSWERS)))
def test_a_whole_answer_is_one_in_any_pieces(tmp_path: Path, data: bytes) -> None:
    for number, parts in enumerate(([data], _drip(data))):
        path = tmp_path / f"{number}.sock"
        with hostile_app(path, parts):
            assert _ask(path, timeout_s=30) == ANSWERS[data]
