"""pypiserver: an index of packages, on Bottle."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from tests.apps.app import App, key
from tests.apps.browser import Browser, multipart
from tests.apps.sources import sdist

PYPISERVER_SDIST = "pypiserver==2.4.2"

_WHEEL = "anchor-1.0-py3-none-any.whl"


def write(directory: Path) -> None:
    """Write the app."""
    sdist(PYPISERVER_SDIST, directory)


def _wheel() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr(
            zipfile.ZipInfo("anchor-1.0.dist-info/METADATA"), "Name: anchor\nVersion: 1.0\n"
        )
    return made.getvalue()


def _first(browser: Browser) -> None:
    kind, body = multipart({":action": "file_upload"}, {"content": (_WHEEL, _wheel())})
    browser.post("/", body, {"Content-Type": kind})
    _later(browser)


def _later(browser: Browser) -> None:
    assert _WHEEL in browser.get("/simple/anchor/")
    assert browser.download(f"/packages/{_WHEEL}") == _wheel()


PYPISERVER = App(
    name="pypiserver",
    kind="Bottle, an app with settings in its call",
    origin=PYPISERVER_SDIST,
    write=write,
    by_hand=(
        key(
            "wsgi = \"pypiserver:app(roots=['packages'], authenticate=[], password_file='.')\"",
            "the app is made by a function with settings",
        ),
        key('shared = ["packages"]', "uploads"),
    ),
    first_visit=_first,
    later_visit=_later,
    edition="pypiserver/core.py",
    pages=("/", "/simple/"),
)
