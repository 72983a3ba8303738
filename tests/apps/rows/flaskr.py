"""The blog of Flask's tutorial: a factory, SQLite in the instance folder."""

from __future__ import annotations

from pathlib import Path

from tests.apps.app import App, key
from tests.apps.browser import Browser
from tests.apps.sources import sdist

FLASK = "flask==3.1.3"

_ACCOUNT = {"username": "mila", "password": "a long passphrase"}


def write(directory: Path) -> None:
    """Write the app."""
    sdist(FLASK, directory, "examples/tutorial")


def _first(browser: Browser) -> None:
    browser.submit("/auth/register", _ACCOUNT)
    browser.submit("/auth/login", _ACCOUNT)
    page = browser.submit("/create", {"title": "Tides", "body": "High water at six."})
    assert "High water at six." in page


def read_again(browser: Browser) -> None:
    """Find the page as it was, and be logged in."""
    page = browser.get("/")
    assert "High water at six." in page
    assert "Log Out" in page
    assert browser.download("/static/style.css")


FLASKR = App(
    name="flaskr",
    kind="Flask as a factory, installed as a package",
    origin=FLASK,
    write=write,
    by_hand=(
        key(
            'migrate = "test -e instance/flaskr.sqlite || flask --app flaskr init-db"',
            "`init-db` empties the database; it is to run once",
        ),
        key("migrate_compatible = true", "Homeport cannot ask this command what it has changed"),
    ),
    first_visit=_first,
    later_visit=read_again,
    edition="flaskr/blog.py",
    pages=("/", "/auth/login"),
)
