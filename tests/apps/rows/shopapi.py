"""A project of Django API Starter: admin, uploads, Celery and its beat, PostgreSQL, Redis."""

from __future__ import annotations

import re
from pathlib import Path

from tests.apps.app import App, key
from tests.apps.browser import Browser
from tests.apps.rows.django_admin import log_in
from tests.apps.sources import generate

STARTER = "django-api-starter==0.2.0"

_PERSON = "admin@example.com"
_ADMIN = (
    "env DJANGO_SUPERUSER_PASSWORD='admin of the harbour' DJANGO_SUPERUSER_NAME=Mila "
    f"python manage.py createsuperuser --noinput --email {_PERSON}"
)
_PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b55"
    "0000000a49444154789c636800000082008177cd72b60000000049454e44ae426082"
)
"""A picture of one grey point. Source: the PNG specification."""


def write(directory: Path) -> None:
    """Write the project."""
    options = ("--database", "postgres", "--celery", "--no-docker", "--yes")
    generate(STARTER, directory, "django-starter", "new", "shopapi", ".", *options)


def _first(browser: Browser) -> None:
    log_in(browser, name=_PERSON)
    browser.submit(
        "/admin/accounts/user/1/change/",
        {"phone": "6 bells"},
        {"profile_picture": ("m.png", _PIXEL)},
    )
    _later(browser)


def _later(browser: Browser) -> None:
    page = browser.get("/admin/accounts/user/1/change/")
    assert "6 bells" in page
    assert re.search(r'href="/media/[^"]+\.png"', page)
    assert browser.download("/static/admin/css/base.css")


SHOPAPI = App(
    name="shopapi",
    kind="Django with admin, collectstatic, media, Celery and beat, PostgreSQL and Redis",
    origin=STARTER,
    write=write,
    by_hand=(
        key('packages = ["postgresql", "redis-server"]', "both on the same host"),
        key('ALLOWED_HOSTS = ".lab"', "Django answers only for the names that it is told", ".env"),
        key(
            'DATABASE_URL = "postgres:///shopapi?host=/var/run/postgresql"',
            "the database knows the app by its user",
            ".env",
        ),
        key('worker = "celery -A conf worker --concurrency 1"', "Celery's worker", ".processes"),
        key(
            'beat = "celery -A conf beat --schedule /tmp/celerybeat-schedule"',
            "its beat, which writes a file",
            ".processes",
        ),
    ),
    first_visit=_first,
    later_visit=_later,
    edition="conf/urls.py",
    pages=("/health/", "/admin/login/"),
    commands=(
        "runuser -u postgres -- createuser shopapi",
        "runuser -u postgres -- createdb --owner shopapi shopapi",
    ),
    once=(_ADMIN,),
    # Django 6.1 needs Python 3.12.
    suites=("trixie",),
)
