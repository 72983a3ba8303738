"""A fresh Django project with SQLite and its admin."""

from __future__ import annotations

from pathlib import Path

from tests.apps.app import App, changed, made
from tests.apps.browser import Browser
from tests.apps.rows.django_admin import ADMIN, log_in
from tests.apps.sources import generate

DJANGO = "django==5.2.9"


def write(directory: Path) -> None:
    """Write the project."""
    generate(DJANGO, directory, "django-admin", "startproject", "mysite", ".")


def _first(browser: Browser) -> None:
    log_in(browser)
    browser.submit("/admin/auth/group/add/", {"name": "pilots"})


def _later(browser: Browser) -> None:
    assert "pilots" in browser.get("/admin/auth/group/")
    assert browser.download("/static/admin/css/base.css")


_SETTINGS = "mysite/settings.py"
_STATIC_URL = "STATIC_URL = 'static/'"

STARTPROJECT = App(
    name="startproject",
    kind="Django, fresh, with SQLite",
    origin=DJANGO,
    write=write,
    by_hand=(
        made("requirements.txt", DJANGO, "a fresh project has no requirements"),
        changed(_SETTINGS, "DEBUG = True", "DEBUG = False", "a fresh project is for development"),
        changed(
            _SETTINGS,
            "ALLOWED_HOSTS = []",
            'ALLOWED_HOSTS = [".lab"]',
            "Django answers only for the names that it is told",
        ),
        changed(
            _SETTINGS,
            "'NAME': BASE_DIR / 'db.sqlite3'",
            "'NAME': BASE_DIR / 'data' / 'db.sqlite3'",
            "the database survives releases in a folder of its own",
        ),
        changed(
            _SETTINGS,
            _STATIC_URL,
            f'{_STATIC_URL}\nSTATIC_ROOT = BASE_DIR / "staticfiles"',
            "where `collectstatic` writes to",
        ),
    ),
    first_visit=_first,
    later_visit=_later,
    edition="mysite/urls.py",
    pages=("/admin/login/",),
    once=(ADMIN,),
)
