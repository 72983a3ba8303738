"""The webhook, against real servers: good ones, and all kinds of bad ones."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from provisioning.hooks.failure import HookFailedError
from provisioning.hooks.webhook import check_url, post
from provisioning.secrets import REDACTOR, Secret
from tests.hooks.receiver import OK, PATH, Receiver, read_request, status

MESSAGE = {"text": "hello is live", "hosts": ["web1", "web2"], "id": "feed"}
LONG_S = 60.0
NO_PAUSES = (0.0, 0.0)

Receiving = Callable[..., Receiver]


@pytest.fixture
def receiving(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiving]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    made: list[Receiver] = []

    def make(*answers: bytes | None) -> Receiver:
        made.append(Receiver(list(answers)))
        return made[-1]

    yield make
    for each in made:
        each.close()


def failure(receiver: Receiver, *, timeout_s: float = LONG_S) -> str:
    with pytest.raises(HookFailedError) as caught:
        post(receiver.url, MESSAGE, timeout_s=timeout_s, pauses_s=NO_PAUSES)
    assert "canary" not in caught.value.reason
    return caught.value.reason


def test_the_message_arrives_once_as_json(receiving: Receiving):
    receiver = receiving(OK)
    post(receiver.url, MESSAGE, timeout_s=LONG_S)
    (request,) = receiver.requests
    assert request.startswith(f"POST {PATH} HTTP/1.1\r\n".encode())
    assert b"Content-Type: application/json" in request
    assert receiver.messages == [MESSAGE]


@pytest.mark.parametrize("line", ["201 Created", "202 Accepted", "204 No Content"])
def test_any_kind_of_success_is_one(receiving: Receiving, line: str):
    receiver = receiving(status(line))
    post(receiver.url, MESSAGE, timeout_s=LONG_S)
    assert len(receiver.requests) == 1


@pytest.mark.parametrize(
    "bad",
    [status("503 Busy"), status("429 Slow Down"), b"", b"HTTP/1.1", b"\0\xff nonsense\r\n\r\n"],
)
def test_what_may_go_better_is_tried_again(receiving: Receiving, bad: bytes):
    receiver = receiving(bad, bad, OK)
    post(receiver.url, MESSAGE, timeout_s=LONG_S, pauses_s=NO_PAUSES)
    assert receiver.messages == [MESSAGE] * 3


@pytest.mark.parametrize(
    ("answer", "times", "words"),
    [
        (status("404 Not Found"), 1, "was answered 404"),
        (status("403 Forbidden"), 1, "was answered 403"),
        # Followed, it would become a GET without the message.
        (status("302 Found", f"Location: {PATH}"), 1, "was answered 302"),
        (status("500 Oops"), 3, "was answered 500, 3 times"),
        (b"", 3, "was not answered: the connection was closed, 3 times"),
        (b"SSH-2.0-canary\r\n", 3, "was answered by something that is not HTTP, 3 times"),
        (b"HTTP/1.1 two hundred\r\n\r\n", 3, "was answered by something that is not HTTP, 3 times"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70000 + b"\r\n\r\n", 3,
         "was answered by something that is not HTTP, 3 times"),
    ],
)  # fmt: skip
def test_a_bad_answer_is_told(receiving: Receiving, answer: bytes, times: int, words: str):
    receiver = receiving(answer)
    assert failure(receiver) == words
    assert len(receiver.requests) == times


def test_silence_is_given_up(receiving: Receiving):
    receiver = receiving(None)
    with pytest.raises(HookFailedError) as caught:
        post(receiver.url, MESSAGE, timeout_s=1, pauses_s=())
    assert caught.value.reason in (
        "was not answered within 1 s",
        "could not be delivered: it took too long",
    )


def test_an_answer_that_never_comes_to_its_end_is_given_up():
    """Each byte comes in time, and all of them never do."""
    over = threading.Event()
    server = socket.create_server(("127.0.0.1", 0))

    def drip() -> None:
        client, _ = server.accept()
        with client:
            read_request(client)
            try:
                client.sendall(b"HTTP/1.1 200 OK\r\nX-Endless: ")
                while not over.wait(0.05):
                    client.sendall(b"x")
            except OSError:
                pass

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        url = Secret(f"http://127.0.0.1:{server.getsockname()[1]}{PATH}")
        with pytest.raises(HookFailedError, match="was not answered within 2 s"):
            post(url, MESSAGE, timeout_s=2, pauses_s=())
    finally:
        over.set()
        thread.join()
        server.close()


def test_nobody_there_is_told_without_the_url():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(HookFailedError) as caught:
        post(Secret(f"http://127.0.0.1:{port}{PATH}"), MESSAGE, timeout_s=LONG_S,
             pauses_s=NO_PAUSES)  # fmt: skip
    assert caught.value.reason == "could not be delivered: Connection refused, 3 times"


@pytest.mark.parametrize(
    "wrong",
    [
        "not a url", "ftp://example.com/canary", "/canary", "https://", "https:///canary",
        "https://example.com:port/canary", "https://user:canary@example.com/",
        "https://example.com/can\nary", "https://exämple.com/canary", "http://[::1/canary",
        "file:///etc/passwd", "https://example.com:0/x",
    ],
)  # fmt: skip
def test_what_is_no_url_is_found_before_anything_is_done(wrong: str):
    problem = check_url(Secret(wrong))
    assert problem.startswith("is ")
    assert "canary" not in problem


def test_the_path_alone_is_masked_too():
    assert check_url(Secret("https://hooks.example.com/T123/sesame-7731?key=1")) == ""
    assert REDACTOR.redact("GET /T123/sesame-7731?key=1 failed") == "GET *** failed"
    assert check_url(Secret("https://hooks.example.com/")) == ""
    assert REDACTOR.redact("a/b") == "a/b"
