"""A fresh CodeRed CMS site: Wagtail with a hundred packages around it."""

from __future__ import annotations

from pathlib import Path

from tests.apps.app import App, changed
from tests.apps.rows.django_admin import ADMIN
from tests.apps.rows.wagtail import WAGTAIL
from tests.apps.sources import generate

CODEREDCMS_PACKAGE = "coderedcms==6.0.0"


def write(directory: Path) -> None:
    """Write the site."""
    generate(CODEREDCMS_PACKAGE, directory, "coderedcms", "start", "mysite", ".")


CODEREDCMS = App(
    name="coderedcms",
    kind="a large Django: CodeRed CMS, with a cache of files",
    origin=CODEREDCMS_PACKAGE,
    write=write,
    by_hand=(
        changed(
            "mysite/settings/base.py",
            '"NAME": BASE_DIR / "db.sqlite3"',
            '"NAME": BASE_DIR / "data" / "db.sqlite3"',
            "the database survives releases in a folder of its own",
        ),
        changed(
            "mysite/settings/prod.py",
            'BASE_DIR / "cache"',
            'BASE_DIR / "data" / "cache"',
            "so does its cache",
        ),
        changed(
            "mysite/settings/prod.py",
            'ALLOWED_HOSTS = ["localhost"]',
            'ALLOWED_HOSTS = [".lab"]',
            "names",
        ),
    ),
    first_visit=WAGTAIL.first_visit,
    later_visit=WAGTAIL.later_visit,
    edition="mysite/urls.py",
    pages=("/", "/admin/login/"),
    once=(ADMIN,),
)
