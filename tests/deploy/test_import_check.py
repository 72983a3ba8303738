"""An app is imported, and called as what it is, before its release starts."""

from __future__ import annotations

import subprocess
import sys

import pytest

from provisioning.deploy.import_check import import_program
from provisioning.inventory import App

SOURCE = """
class Asgi:
    async def __call__(self, scope, receive, send): ...

class Wsgi:
    def __call__(self, environ, start_response): ...

def wsgi_function(environ, start_response): ...
def anything(*arguments): ...

class Site:
    asgi = Asgi()

asgi, wsgi, site = Asgi(), Wsgi(), Site()

def make(kind):
    return {"asgi": asgi, "wsgi": wsgi}[kind]
"""


def run(folder, interface, entry_point):
    (folder / "shop.py").write_text(SOURCE)
    app = App(name="shop", source=".", domains=["shop.lab"], **{interface: entry_point})
    argv = [sys.executable, "-c", import_program(app)]
    return subprocess.run(argv, cwd=folder, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("interface", "entry_point"),
    [
        ("asgi", "shop:asgi"),
        ("asgi", "shop:site.asgi"),
        ("asgi", "shop:make('asgi')"),
        ("asgi", 'shop:make("asgi")'),
        ("asgi", "shop:anything"),
        ("wsgi", "shop:wsgi"),
        ("wsgi", "shop:wsgi_function"),
        ("wsgi", "shop:make(kind='wsgi')"),
        ("wsgi", "shop:anything"),
    ],
)
def test_an_app_that_is_what_the_inventory_says_passes(tmp_path, interface, entry_point):
    ran = run(tmp_path, interface, entry_point)
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.parametrize(
    ("interface", "entry_point", "told"),
    [
        ("wsgi", "shop:asgi", "shop:asgi is an ASGI app: in [apps.shop], write asgi = ... in "),
        ("asgi", "shop:wsgi", "shop:wsgi is a WSGI app: in [apps.shop], write wsgi = ... in "),
        ("asgi", "shop:wsgi_function", "is a WSGI app"),
        ("asgi", "shop:none", "has no attribute 'none'"),
        ("wsgi", "shopp:wsgi", "No module named 'shopp'"),
        ("wsgi", "shop:make('other')", "KeyError: 'other'"),
    ],
)
def test_one_that_is_not_is_named(tmp_path, interface, entry_point, told):
    ran = run(tmp_path, interface, entry_point)
    assert ran.returncode == 1
    assert told in ran.stderr


FLASK = """
class Flask:
    def __init__(self, debug): self.debug = debug
    def __call__(self, environ, start_response): ...
"""
DJANGO = {
    "django/__init__.py": "",
    "django/core/__init__.py": "",
    "django/core/handlers/__init__.py": "",
    "django/core/handlers/base.py": "",
    "django/conf.py": "class settings:\n    DEBUG, SETTINGS_MODULE = {debug}, 'shop.settings'\n",
}
WSGI = "def app(environ, start_response): ...\n"


def run_files(folder, files, **keys):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    app = App(name="shop", source=".", domains=["shop.lab"], wsgi="shop:app", **keys)
    argv = [sys.executable, "-c", import_program(app)]
    return subprocess.run(argv, cwd=folder, capture_output=True, text=True)


def flask(debug, wrapped="lambda made: made"):
    return {
        "flask.py": FLASK,
        "shop.py": f"import flask\nmade = flask.Flask({debug})\napp = ({wrapped})(made)",
    }


def django(debug):
    files = {**DJANGO, "django/conf.py": DJANGO["django/conf.py"].format(debug=debug)}
    return {**files, "shop.py": "import django.core.handlers.base\n" + WSGI}


@pytest.mark.parametrize(
    ("files", "told"),
    [
        (flask(True), "Flask's debug mode is on: remove debug = True, FLASK_DEBUG and "),
        (flask(True, "lambda made: lambda environ, start_response: made"), "Flask's debug mode"),
        (django(True), "Django's debug mode is on: set DEBUG = False in shop.settings; "),
    ],
)
def test_debug_left_on_is_refused_unless_the_inventory_permits_it(tmp_path, files, told):
    refused = run_files(tmp_path, files)
    assert refused.returncode == 1
    assert refused.stderr.startswith(told)
    assert "debug = true in [apps.shop]" in refused.stderr
    assert run_files(tmp_path, files, debug=True).returncode == 0


@pytest.mark.parametrize(
    "files",
    [
        flask(False),
        django(False),
        {"shop.py": "debug = DEBUG = True\n" + WSGI},
        {"flask.py": "", "shop.py": "import flask\n" + WSGI},
        {"flask.py": "Flask = object()", "shop.py": "import flask\n" + WSGI},
        {
            "django/__init__.py": "",
            "shop.py": "import sys, django\nsys.modules['django.core.handlers.base'] = sys\n"
            + WSGI,
        },
        {
            "flask.py": FLASK + "    @property\n    def debug(self): raise RuntimeError\n"
            "    @debug.setter\n    def debug(self, value): ...\n",
            "shop.py": "import flask\napp = flask.Flask(True)",
        },
    ],
)
def test_an_app_of_another_kind_or_without_it_passes(tmp_path, files):
    ran = run_files(tmp_path, files)
    assert (ran.returncode, ran.stderr) == (0, "")
