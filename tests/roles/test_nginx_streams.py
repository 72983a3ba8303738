"""Streams of an ASGI app below a path, behind a password: asked of a real nginx."""

import base64

import pytest

from tests.roles.staged_nginx import ELSEWHERE

SITE = "https://rooms.example.com"
EDITOR = {"Authorization": "Basic " + base64.b64encode(b"editor:open sesame:x").decode()}
KINDS = (
    {"Accept": "text/event-stream"},
    {"Connection": "Upgrade", "Upgrade": "websocket"},
    {},
)
"""Two streams, and a request like any other: the same holds for all of them."""


@pytest.mark.parametrize("kind", KINDS)
def test_a_stream_asks_for_the_password_that_its_app_asks_for(nginx, deploy, kind):
    release = deploy(app="chat")
    answer = nginx.ask(f"{SITE}/chat/room", headers=kind, source=ELSEWHERE)
    assert (answer.status, answer["WWW-Authenticate"]) == (401, 'Basic realm="chat"')
    assert release.asked == []
    forged = {"Remote-User": "root", "X-Forwarded-Prefix": "/evil"}
    asked = {**kind, **EDITOR, **forged}
    assert nginx.ask(f"{SITE}/chat/a%2Fb?c", headers=asked, source=ELSEWHERE).status == 200
    assert release.asked[-1][1] == "/chat/a%2Fb?c"
    assert release.last["Remote-User"] == "editor"
    assert release.last["X-Forwarded-Prefix"] == "/chat"
    assert "Authorization" not in release.last


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("path", ["/chat/hooks/x", "/chat/ping"])
def test_a_stream_of_a_path_without_a_password_asks_for_none(nginx, deploy, kind, path):
    release = deploy(app="chat")
    forged = {"Remote-User": "root"}
    assert nginx.ask(SITE + path, headers={**kind, **forged}, source=ELSEWHERE).status == 200
    assert release.asked[-1][1] == path
    assert "Remote-User" not in release.last


@pytest.mark.parametrize("kind", KINDS)
def test_a_stream_sends_no_larger_body_than_its_app_takes(nginx, deploy, kind):
    release = deploy(app="chat")
    for size, status in ((1000, 200), (2000, 413)):
        sent = {"method": "POST", "body": b"x" * size, "headers": {**kind, **EDITOR}}
        assert nginx.ask(f"{SITE}/chat/", **sent).status == status
    assert len(release.asked) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_where_no_app_is_there_is_no_stream(nginx, deploy, kind):
    release = deploy(app="chat")
    assert nginx.ask(f"{SITE}/", headers={**kind, **EDITOR}).status == 404
    assert release.asked == []
