"""What a person is told to do about an app that failed: by the app's own words."""

from __future__ import annotations

import pytest

from provisioning.agent.apps.failure_hints import hint_for
from provisioning.agent.apps.health_answers import STEADY_ERROR_S, STEADY_S, mend, patience_s, told
from provisioning.agent.machine.http import Answer


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("OSError: [Errno 30] Read-only file system: '/srv/shop/releases/x/code/logs'",
         ("/code/logs", "`shared` of [apps.shop]", "/srv/shop/shared")),
        ("[Errno 30] Read-only file system: 'celerybeat-schedule'",
         ("celerybeat-schedule", "`shared`")),
        ("OSError: [Errno 30] Read-only file system: '/nonexistent/.cache/hub'",
         ("home directory", "XDG_CACHE_HOME", "[apps.shop.env]")),
        ("django.db.utils.OperationalError: unable to open database file", ("`shared`",)),
        ("sqlite3.OperationalError: attempt to write a readonly database", ("`shared`",)),
        ("MemoryError: Cannot allocate write+execute memory for ffi", ('relax = ["jit"]',)),
        ("Fatal javascript OOM in MemoryChunk allocation failed", ('relax = ["jit"]',)),
        ("OSError: [Errno 97] Address family not supported by protocol", ('relax = ["netlink"]',)),
        ("Invalid HTTP_HOST header: 'shop.lab'. You may need", ("add shop.lab to ALLOWED_HOSTS",)),
        ("django.core.exceptions.DisallowedHost: x", ("the app's domains to ALLOWED_HOSTS",)),
        ("ModuleNotFoundError: No module named 'yaml'", ("yaml is neither", "requirements")),
        ("Traceback\nKeyError: 'DATABASE_URL'", ("the variable DATABASE_URL", "[apps.shop.env]")),
        ("ImproperlyConfigured: Set the SECRET_KEY environment variable", ("SECRET_KEY:",)),
        ("decouple.UndefinedValueError: API_KEY not found.", ("variable API_KEY",)),
        ("sqlite3.OperationalError: no such table: items", ("`migrate`",)),
        ('psycopg.errors.UndefinedTable: relation "items" does not exist', ("`migrate`",)),
        ("OSError: [Errno 98] Address already in use", ("__main__",)),
    ],
)  # fmt: skip
def test_a_known_cause_has_its_mend(output: str, words: tuple[str, ...]) -> None:
    hint = hint_for(output, "shop")
    for each in words:
        assert each in hint


@pytest.mark.parametrize("output", ["", "KeyError: 'name'", "RuntimeError: no such pier"])
def test_what_is_not_known_has_none(output: str) -> None:
    assert hint_for(output, "shop") == ""


@pytest.mark.parametrize(
    ("status", "seconds"),
    [(0, 60), (502, 60), (503, 60), (504, 60), (429, 60), (425, 60), (302, STEADY_S),
     (400, STEADY_S), (404, STEADY_S), (500, STEADY_ERROR_S), (501, STEADY_ERROR_S)],
)  # fmt: skip
def test_an_answer_that_stays_is_not_waited_out(status: int, seconds: float) -> None:
    assert patience_s(status, 60) == seconds
    assert patience_s(status, 3) == 3


def _answer(status: int, **headers: str) -> Answer:
    return Answer(status, "the body", headers)


def test_a_redirect_is_told_with_where_it_leads() -> None:
    answer = _answer(302, location="/login?next=/")
    assert told(answer, "/") == "/ answered 302 instead of 200: a redirect to /login?next=/"
    assert "set `health` of [apps.shop]" in mend(answer, "/", "shop.lab", "shop")
    to_https = _answer(301, location="https://shop.lab/healthz")
    assert "SECURE_PROXY_SSL_HEADER" in mend(to_https, "/healthz", "shop.lab", "shop")


def test_other_answers_are_told_with_their_beginning() -> None:
    assert told(_answer(500), "/x") == "/x answered 500 instead of 200: the body"
    assert told(Answer(0, "refused", {}), "/x") == "/x was not answered in time (refused)"
    assert "ALLOWED_HOSTS" in mend(_answer(400), "/", "shop.lab", "shop")
    assert "`health`" in mend(_answer(404), "/", "shop.lab", "shop")
    assert mend(_answer(500), "/", "shop.lab", "shop") == ""
