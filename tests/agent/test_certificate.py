"""What certbot is asked, and what one that was killed has left."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from provisioning.agent import layout
from provisioning.agent.errors import AgentError
from provisioning.agent.resources.certificate import Certificate
from provisioning.agent.system import System

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
    with pytest.raises(AgentError, match="is not Homeport's") as caught:
        made.test(System(), {})
    assert "give the app another name" in caught.value.hint
