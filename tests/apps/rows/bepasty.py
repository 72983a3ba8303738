"""bepasty: a pastebin on Flask, below src."""

from __future__ import annotations

import json
from pathlib import Path

from tests.apps.app import App, changed, key
from tests.apps.browser import Browser, multipart
from tests.apps.sources import sdist

BEPASTY_SDIST = "bepasty==1.2.2"

_CHART = bytes(range(256)) * 4096
"""1 MB."""


def write(directory: Path) -> None:
    """Write the app."""
    sdist(BEPASTY_SDIST, directory)


def _first(browser: Browser) -> None:
    kind, body = multipart(
        {"maxlife-value": "1", "maxlife-unit": "months"}, {"file": ("chart.bin", _CHART)}
    )
    page = browser.post("/+upload", body, {"Content-Type": kind})
    assert "chart.bin" in page
    _later(browser)


def _later(browser: Browser) -> None:
    [name] = json.loads(browser.get("/apis/rest/items"))
    assert browser.download(f"/{name}/+download") == _CHART


_KEY = 'SECRET_KEY = __import__("os").environ["SECRET_KEY"]'
_SETTINGS = "src/bepasty/config.py"

BEPASTY = App(
    name="bepasty",
    kind="Flask below src",
    origin=BEPASTY_SDIST,
    write=write,
    by_hand=(
        changed(
            _SETTINGS,
            "STORAGE_FILESYSTEM_DIRECTORY = '/tmp/'",
            "STORAGE_FILESYSTEM_DIRECTORY = 'storage'",
            "uploads survive releases in a shared folder",
        ),
        changed(_SETTINGS, "SECRET_KEY = ''", _KEY, "the key is made on the host"),
        changed(
            _SETTINGS,
            "DEFAULT_PERMISSIONS = ''",
            "DEFAULT_PERMISSIONS = 'create,read,list'",
            "who may do what; here anybody",
        ),
        key('shared = ["storage"]', "uploads"),
    ),
    first_visit=_first,
    later_visit=_later,
    edition="src/bepasty/app.py",
    pages=("/", "/+list"),
)
