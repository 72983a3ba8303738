"""Isso: comments for other sites, on Werkzeug."""

from __future__ import annotations

import json
from pathlib import Path

from tests.apps.app import App, changed, key
from tests.apps.browser import Browser
from tests.apps.sources import sdist

ISSO_SDIST = "isso==0.14.0"

_JSON = {"Content-Type": "application/json", "Origin": "https://isso.lab"}
_COMMENT = "The tide turned at six."


def write(directory: Path) -> None:
    """Write the app."""
    sdist(ISSO_SDIST, directory)


def _first(browser: Browser) -> None:
    said = json.dumps({"text": _COMMENT, "author": "mila", "title": "Tides"}).encode()
    answer = browser.request("POST", "/new?uri=%2Ftides", said, _JSON)
    assert answer.status == 201, answer
    _later(browser)


def _later(browser: Browser) -> None:
    assert _COMMENT in browser.get("/?uri=%2Ftides")
    assert browser.download("/js/embed.min.js")


ISSO = App(
    name="isso",
    kind="Werkzeug, with SQLite",
    origin=ISSO_SDIST,
    write=write,
    by_hand=(
        changed(
            "isso/isso.cfg", "dbpath = /tmp/comments.db", "dbpath = data/comments.db", "survives"
        ),
        changed("isso/isso.cfg", "\nhost =\n\n", "\nhost = https://isso.lab\n\n", "its own name"),
        key('wsgi = "isso.run:application"', "the module that reads the settings"),
        key('shared = ["data"]', "the database"),
        key('health = "/info"', "`/` wants the name of a page"),
    ),
    first_visit=_first,
    later_visit=_later,
    edition="isso/run.py",
    pages=("/info", "/js/embed.min.js"),
)
