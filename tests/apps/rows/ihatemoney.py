"""I Hate Money: shared budgets, on Flask with Flask-Migrate."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlencode

from tests.apps.app import App, changed
from tests.apps.browser import Browser
from tests.apps.sources import sdist

IHATEMONEY_SDIST = "ihatemoney==7.2.1"

_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def write(directory: Path) -> None:
    """Write the app."""
    sdist(IHATEMONEY_SDIST, directory)


def _first(browser: Browser) -> None:
    project = {
        "name": "harbour dues", "id": "harbour", "password": "a long passphrase",
        "contact_email": "mila@example.com", "default_currency": "XXX",
    }  # fmt: skip
    answer = browser.request("POST", "/api/projects", urlencode(project).encode(), _FORM)
    assert answer.status == 201, answer
    browser.submit("/authenticate?project_id=harbour", {"password": project["password"]})
    _later(browser)


def _later(browser: Browser) -> None:
    assert "harbour dues" in browser.get("/harbour/")


_URI = "SQLALCHEMY_DATABASE_URI ="
_SETTINGS = "ihatemoney/default_settings.py"

IHATEMONEY = App(
    name="ihatemoney",
    kind="Flask with Flask-Migrate",
    origin=IHATEMONEY_SDIST,
    write=write,
    by_hand=(
        changed(
            _SETTINGS,
            f'{_URI} "sqlite:////tmp/ihatemoney.db"',
            f'{_URI} "sqlite:////srv/ihatemoney/shared/instance/ihatemoney.db"',
            "the database survives releases in a shared folder",
        ),
        changed(
            _SETTINGS,
            'SECRET_KEY = "tralala"',
            'SECRET_KEY = __import__("os").environ["SECRET_KEY"]',
            "the key is made on the host",
        ),
    ),
    first_visit=_first,
    later_visit=_later,
    edition="ihatemoney/utils.py",
    pages=("/", "/healthcheck"),
)
