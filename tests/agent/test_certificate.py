"""What certbot is asked, and what one that was killed has left."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from provisioning.agent import layout
from provisioning.agent.errors import AgentError
from provisioning.agent.machine import http
from provisioning.agent.machine.system import System
from provisioning.agent.resources import certificate
from provisioning.agent.resources.certificate import Certificate

SERVER = "https://authority.test/dir"
WEBROOT = layout.ACME_WEBROOT

RENEWAL = f"""\
version = 2.1.0
archive_dir = {{place}}/archive/{{label}}
fullchain = {{place}}/live/{{label}}/fullchain.pem

[renewalparams]
account = {{account}}
server = {SERVER}
authenticator = webroot
webroot_path = {WEBROOT},
[[webroot_map]]
{{label}}.test = {WEBROOT}
"""
"""As certbot writes it."""


def write_account(place: Path, name: str, made: str) -> None:
    folder = place / "accounts/authority.test/dir" / name
    folder.mkdir(parents=True)
    (folder / "meta.json").write_text(json.dumps({"creation_dt": made, "creation_host": "web1"}))
    (folder / "private_key.json").write_text("{}")


@pytest.fixture
def place(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return our own place for certificates, with two accounts."""
    monkeypatch.setattr(layout, "ACME", str(root))
    write_account(root, "aaa", "2026-02-01T00:00:00Z")
    write_account(root, "zzz", "2026-01-01T00:00:00Z")
    (root / "renewal").mkdir()
    return root


def test_answers_to_an_authority_that_nobody_waits_for_are_removed(root: Path) -> None:
    challenges = root / ".well-known" / "acme-challenge"
    challenges.mkdir(parents=True)
    began = time.time()
    for name, age_s in (("left", 1), ("of now", -1)):
        (challenges / name).touch()
        os.utime(challenges / name, (began - age_s, began - age_s))
    Certificate("hello", ("hello.test",), "https://authority", webroot=str(root))._sweep(
        System(), began
    )
    assert [each.name for each in challenges.iterdir()] == ["of now"]


def test_of_several_accounts_it_is_said_which_one_asks(place: Path) -> None:
    made = Certificate("hello", ("hello.test",), SERVER)
    assert made._account(System()) == ("--account", "aaa"), "the newest"
    conf = place / "renewal/hello.conf"
    conf.write_text(RENEWAL.format(place=place, label="hello", account="zzz"))
    assert made._account(System()) == ("--account", "zzz"), "the certificate's own"
    conf.write_text(RENEWAL.format(place=place, label="hello", account="gone"))
    assert made._account(System()) == ("--account", "aaa")
    other = Certificate("hello", ("hello.test",), "https://other.test/dir")
    assert other._account(System()) == ()


def test_one_of_the_same_name_that_somebody_else_renews_is_refused(place: Path) -> None:
    made = Certificate("hello", ("hello.test",), SERVER)
    made.test(System(), {})
    conf = place / "renewal/hello.conf"
    conf.write_text(RENEWAL.format(place=place, label="hello", account="aaa"))
    made.test(System(), {})
    conf.write_text("authenticator = manual\n")
    with pytest.raises(AgentError, match="does not belong to Homeport") as caught:
        made.test(System(), {})
    assert "give the app another name" in caught.value.hint


def answering(monkeypatch: pytest.MonkeyPatch, *bodies: str) -> list[str]:
    """Have every address answer these one after the other, the last for ever."""
    asked: list[str] = []

    def get(address: str, port: int, target: str, headers: object, **_: object) -> http.Answer:
        asked.append(address)
        return http.Answer(200, bodies[min(len(asked), len(bodies)) - 1], {})

    monkeypatch.setattr(http, "get_address", get)
    monkeypatch.setattr(certificate, "PEER_POLL_S", 0.0)
    return asked


def asks(peers: tuple[str, ...], within_s: float) -> None:
    made = Certificate("hello", ("hello.test",), SERVER, peers=peers)
    made._ask(System(), "hello.test", "10.0.0.2", "token", time.monotonic() + within_s)


def test_peers_that_are_being_provisioned_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answering(monkeypatch, "no connection", "nothing", "token")
    asks(("10.0.0.2",), 60)
    assert asked == ["10.0.0.2"] * 3


def test_one_that_does_not_pass_the_answer_on_is_named_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answering(monkeypatch, "nothing")
    with pytest.raises(
        AgentError, match=r"10\.0\.0\.2, and port 80 there does not pass on"
    ) as told:
        asks(("10.0.0.2",), -1)
    assert "provision all its hosts at the same time" in told.value.hint
    assert "peer_address" in told.value.hint


def test_a_host_alone_waits_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answering(monkeypatch, "nothing")
    with pytest.raises(AgentError, match="is not this host's web server") as told:
        asks((), -1)
    assert asked == ["10.0.0.2"]
    assert "peer" not in told.value.hint


def test_where_the_authority_fails_the_firewall_and_other_books_of_names_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(System, "read", lambda *_: b"127.0.1.1 shop.test\n")
    known = Certificate("hello", ("shop.test", "other.test"), SERVER)._hint(System())
    assert "firewall" in known
    assert "check where shop.test points in DNS" in known
    unknown = Certificate("hello", ("hello.test",), SERVER)._hint(System())
    assert "/etc/hosts" not in unknown
    assert "firewall" not in Certificate("a", ("b.c",), SERVER, preflight=False)._hint(System())
