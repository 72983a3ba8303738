"""I Hate Money: shared budgets, on Flask with Flask-Migrate."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlencode

from tests.apps.app import App, key, made
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


IHATEMONEY = App(
    name="ihatemoney",
    kind="Flask with Flask-Migrate",
    origin=IHATEMONEY_SDIST,
    write=write,
    by_hand=(
        made(
            "ihatemoney.cfg",
            'SQLALCHEMY_DATABASE_URI = "sqlite:////srv/ihatemoney/shared/instance/ihatemoney.db"\n'
            'SECRET_KEY = __import__("os").environ["SECRET_KEY"]',
            "its settings: where the database lies, and the key",
        ),
        key(
            'IHATEMONEY_SETTINGS_FILE_PATH = "/srv/ihatemoney/current/code/ihatemoney.cfg"',
            "where the settings lie",
            ".env",
        ),
        key("SECRET_KEY = { generate = 32 }", "the settings read it", ".secrets"),
    ),
    first_visit=_first,
    later_visit=_later,
    edition="ihatemoney/utils.py",
    pages=("/", "/healthcheck"),
)
