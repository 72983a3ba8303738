"""What pip-audit's answers come to."""

from __future__ import annotations

import json

from tests import audit

CLEAN = {"name": "gunicorn", "version": "27.0.1", "vulns": []}
UNKNOWN = {"name": "mine", "skip_reason": "Dependency not found"}
HOLED = {
    "name": "uv",
    "version": "0.1",
    "vulns": [
        {"id": "GHSA-x", "fix_versions": ["0.2"]},
        {"id": "GHSA-y", "fix_versions": []},
    ],
}


def judged(*dependencies, stderr=""):
    return audit.judged("uv.txt", json.dumps({"dependencies": dependencies}), stderr)


def test_a_known_hole_fails_and_is_named_with_what_mends_it():
    lines, is_ill = judged(CLEAN, HOLED)
    assert is_ill
    assert list(lines) == [
        "uv.txt: 2 known holes in 2 packages",
        "uv 0.1: GHSA-x, mended in 0.2",
        "uv 0.1: GHSA-y, mended in no version",
    ]


def test_nothing_known_passes_and_says_how_much_was_asked_for():
    lines, is_ill = judged(CLEAN, UNKNOWN)
    assert (list(lines), is_ill) == (
        ["uv.txt: 0 known holes in 1 packages; nothing is known of mine"],
        False,
    )


def test_what_could_not_be_audited_is_said_and_never_called_clean():
    unreachable = audit.judged("uv.txt", "", "Traceback\nConnectionError: no name\n")
    assert unreachable == (["not audited: uv.txt: ConnectionError: no name"], False)
    assert judged(UNKNOWN) == (["not audited: uv.txt: nothing is known of mine"], False)
    assert audit.judged("uv.txt", "", "")[0] == ["not audited: uv.txt: pip-audit said nothing"]


def test_everything_that_travels_is_audited():
    names = [name for name, _ in audit.SUBJECTS]
    assert names == [
        "gunicorn-gevent.txt",
        "gunicorn-uvicorn.txt",
        "gunicorn.txt",
        "uv.txt",
        "uvicorn.txt",
        "uwsgi.txt",
        "waitress.txt",
        "this environment",
    ]
