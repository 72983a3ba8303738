"""A fresh Wagtail site: a large Django app with settings for several environments."""

from __future__ import annotations

import re
from pathlib import Path

from tests.apps.app import App, changed, made
from tests.apps.browser import Browser
from tests.apps.rows.django_admin import ADMIN, log_in
from tests.apps.sources import generate

WAGTAIL_PACKAGE = "wagtail==7.0.3"

_CHART = b"soundings in fathoms " * 5000


def write(directory: Path) -> None:
    """Write the site."""
    generate(WAGTAIL_PACKAGE, directory, "wagtail", "start", "mysite", ".")


def _first(browser: Browser) -> None:
    log_in(browser, "/admin/login/")
    page = browser.submit("/admin/documents/add/", {"title": "Chart"}, {"file": ("c.txt", _CHART)})
    assert "Chart" in page
    _later(browser)


def _later(browser: Browser) -> None:
    # Sites mount them at a path of their own choice.
    page = browser.get("/admin/documents/")
    found = re.search(r'"(?:https://[^"/]+)?(/doc(?:ument)?s/\d+/[^"]+)"', page)
    assert found
    assert browser.download(found[1]) == _CHART
    assert browser.get("/")


WAGTAIL = App(
    name="wagtail",
    kind="a large Django: Wagtail, with uploads",
    origin=WAGTAIL_PACKAGE,
    write=write,
    by_hand=(
        changed(
            "mysite/settings/base.py",
            '"NAME": os.path.join(BASE_DIR, "db.sqlite3")',
            '"NAME": os.path.join(BASE_DIR, "data", "db.sqlite3")',
            "the database survives releases in a folder of its own",
        ),
        made(
            "mysite/settings/production.py",
            'SECRET_KEY = os.environ["SECRET_KEY"]\nALLOWED_HOSTS = [".lab"]',
            "the settings for production come without key and names",
        ),
    ),
    first_visit=_first,
    later_visit=_later,
    edition="mysite/urls.py",
    pages=("/", "/admin/login/"),
    once=(ADMIN,),
)
