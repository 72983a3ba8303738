"""What comes of many requests, and which files a visitor could read."""

from __future__ import annotations

import itertools
import threading
import time

import pytest

from provisioning.agent.machine.http import Answer
from provisioning.doctor import visitor
from provisioning.doctor.exposed import exposed_paths

PAGE = {"content-type": "text/html; charset=utf-8"}
MISSING = Answer(404, "<p>not found</p>", PAGE)


class Limited:
    """Answers as a site that lets a number of requests through, and then refuses all."""

    def __init__(self, let_through: int, pause_s: float = 0.0) -> None:
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._let_through = let_through
        self._pause_s = pause_s

    def __call__(self) -> int:
        time.sleep(self._pause_s)
        with self._lock:
            return 404 if next(self._numbers) <= self._let_through else 429


def test_a_limit_that_holds_is_seen() -> None:
    seen = visitor._many(Limited(45), per_s=20, burst=40)
    assert seen.refused
    assert seen.sent == 64
    assert seen.reason == ""


def test_no_limit_is_seen_soon() -> None:
    seen = visitor._many(Limited(10_000), per_s=20, burst=40)
    assert (seen.refused, seen.reason) == (0, "")
    assert 40 < seen.sent < visitor.MOST_REQUESTS


def test_a_site_that_is_too_slow_for_its_limit_is_not_called_unlimited() -> None:
    seen = visitor._many(Limited(10_000, pause_s=0.02), per_s=1_000_000, burst=40)
    assert seen.refused == 0
    assert "too slow" in seen.reason


@pytest.mark.parametrize(
    ("answer", "is_exposed"),
    [
        (Answer(200, "ref: refs/heads/main\n", {"content-type": "text/plain"}), True),
        (Answer(200, "SECRET=1", {}), True),
        (Answer(200, "<p>our own page</p>", PAGE), False),
        (Answer(200, "", {"content-type": "text/plain"}), False),
        (Answer(404, "no", {"content-type": "text/plain"}), False),
        (Answer(403, "no", {}), False),
        (Answer(0, "no answer within 10 s", {}), False),
    ],
)
def test_which_answers_are_files(answer: Answer, is_exposed: bool) -> None:
    asked: list[str] = []

    def get(path: str) -> Answer:
        asked.append(path)
        return answer if path == "/.git/HEAD" else MISSING

    assert exposed_paths(get, MISSING, ["app/settings.py"]) == (("/.git/HEAD",) * is_exposed)
    assert "/app/settings.py" in asked
    assert len(asked) == len(set(asked))


def test_a_site_that_answers_every_path_alike_exposes_nothing() -> None:
    same = Answer(200, "{}", {"content-type": "application/json"})
    assert exposed_paths(lambda path: same, same, []) == ()
