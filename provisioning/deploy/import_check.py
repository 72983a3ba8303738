"""The program that imports an app once, before its release starts."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from provisioning.inventory.models.app import App

_PROGRAM = """\
import inspect
import {module} as module

app = module.{target}


def takes(count):
    try:
        inspect.signature(app).bind(*range(count))
    except TypeError:
        return False
    return True


try:
    looks = {{name: takes(count) for name, count in {arguments}.items()}}
except ValueError:
    looks = {{}}
if [name for name in looks if looks[name]] == [{other!r}]:
    raise SystemExit({refusal!r})
"""

_DEBUG = """
left_on = debug_left_on(app)
if left_on:
    raise SystemExit(
        left_on + "; with it, error pages show visitors the inside of the app. To have it "
        "so all the same: debug = true in [apps.{name}]"
    )
"""

_ARGUMENTS = {"wsgi": 2, "asgi": 3}
"""How many arguments an app is called with. Source: PEP 3333; the ASGI specification, version 3."""

_NAMES = {"wsgi": "a WSGI", "asgi": "an ASGI"}


def import_program(app: App) -> str:
    """Return Python code that ends with an error unless an app can be imported and called.

    So does one whose debug mode is on, unless the inventory permits that. An object without a
    signature counts as callable.
    """
    module, _, target = app.entry_point.partition(":")
    [other] = _ARGUMENTS.keys() - {app.interface}
    refusal = (
        f"{app.entry_point} is {_NAMES[other]} app: in [apps.{app.name}], write {other} = ... "
        f"in place of {app.interface} = ..."
    )
    program = _PROGRAM.format(
        module=module, target=target, arguments=_ARGUMENTS, other=other, refusal=refusal
    )
    return program if app.debug else f"{program}\n{frameworks()}\n{_DEBUG.format(name=app.name)}"


@cache
def frameworks() -> str:
    """Return functions for a program that an app's Python runs: the text of frameworks.py."""
    return Path(__file__).with_name("frameworks.py").read_text(encoding="utf-8")
