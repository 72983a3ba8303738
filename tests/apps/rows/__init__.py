"""The apps: one file each, the small ones first."""

from __future__ import annotations

from tests.apps.app import App
from tests.apps.rows.bepasty import BEPASTY
from tests.apps.rows.coderedcms import CODEREDCMS
from tests.apps.rows.flaskr import FLASKR
from tests.apps.rows.httpbin import HTTPBIN
from tests.apps.rows.ihatemoney import IHATEMONEY
from tests.apps.rows.isso import ISSO
from tests.apps.rows.poetry import POETRY
from tests.apps.rows.pypiserver import PYPISERVER
from tests.apps.rows.radicale import RADICALE
from tests.apps.rows.shopapi import SHOPAPI
from tests.apps.rows.startproject import STARTPROJECT
from tests.apps.rows.wagtail import WAGTAIL
from tests.apps.rows.workspace import WORKSPACE

APPS: tuple[App, ...] = (
    FLASKR,
    HTTPBIN,
    BEPASTY,
    IHATEMONEY,
    ISSO,
    PYPISERVER,
    RADICALE,
    WORKSPACE,
    POETRY,
    STARTPROJECT,
    WAGTAIL,
    CODEREDCMS,
    SHOPAPI,
)
