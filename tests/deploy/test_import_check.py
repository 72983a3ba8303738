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
