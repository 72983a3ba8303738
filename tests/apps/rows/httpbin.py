"""httpbin: Flask, installed as a package with one of its extras."""

from __future__ import annotations

import json
from pathlib import Path

from tests.apps.app import App, key
from tests.apps.browser import Browser, multipart
from tests.apps.sources import sdist

HTTPBIN_SDIST = "httpbin==0.10.4"


def write(directory: Path) -> None:
    """Write the app."""
    sdist(HTTPBIN_SDIST, directory)


def _visit(browser: Browser) -> None:
    kind, body = multipart({}, {"chart": ("chart.txt", b"soundings in fathoms")})
    answer = json.loads(browser.post("/post", body, {"Content-Type": kind}))
    assert answer["files"] == {"chart": "soundings in fathoms"}
    assert answer["url"] == "https://httpbin.lab/post"
    assert "fathoms" not in browser.get("/get")


HTTPBIN = App(
    name="httpbin",
    kind="Flask as an installed package, with an extra",
    origin=HTTPBIN_SDIST,
    write=write,
    by_hand=(key('extras = ["mainapp"]', "its page of the API needs this extra"),),
    first_visit=_visit,
    later_visit=_visit,
    edition="httpbin/core.py",
    pages=("/", "/get"),
)
