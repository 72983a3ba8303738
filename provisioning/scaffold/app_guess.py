"""Find the app in Python files, and how it is called, without importing them."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePath

from provisioning.inventory.types.interface import Interface

# Names under which an app, or a function that makes one, is usually found; best first.
_APP_NAMES = ("app", "application")
_FACTORY_NAMES = ("create_app", "make_app", "create_application")
_DJANGO_FACTORIES = ("get_wsgi_application", "get_asgi_application")
_ENTRIES: Mapping[str, Interface] = {"wsgi": "wsgi", "asgi": "asgi"}
"""Name of a file that holds little more than the app -> how the app is called."""

_KINDS = (*_ENTRIES, "app", "application", "main", "__init__")

_ASGI_FIRST: tuple[Interface, ...] = ("asgi", "wsgi")
"""An ASGI app often contains a WSGI app, and never the other way round."""

_CLASSES: Mapping[str, Interface] = {
    "Flask": "wsgi",
    "FastAPI": "asgi",
    "Starlette": "asgi",
    "Quart": "asgi",
    "Litestar": "asgi",
    "ProtocolTypeRouter": "asgi",
}
"""Class of a framework -> how its objects are called."""

_PACKAGES: Mapping[str, Interface] = {
    "flask": "wsgi",
    "django": "wsgi",
    "fastapi": "asgi",
    "starlette": "asgi",
    "quart": "asgi",
    "litestar": "asgi",
}
"""Package of a framework -> the same, where a function makes the app."""

_CALLED_WITH: Mapping[tuple[str, ...], Interface] = {
    ("environ", "start_response"): "wsgi",
    ("scope", "receive", "send"): "asgi",
}
"""Arguments of a function that is an app itself. Source: PEP 3333 and the ASGI specification."""

_OTHER_CLASSES = {
    "APIRouter", "ArgumentParser", "Blueprint", "Celery", "Cli", "Dramatiq", "Huey", "Cyclopts",
    "Typer",
}  # fmt: skip
"""Classes whose objects are called `app` too, and serve nobody."""

_DJANGO_ASGI = {"channels", "daphne"}
"""What a Django project uses that is served by ASGI. Source: the documentation of Channels."""


@dataclass(frozen=True)
class AppGuess:
    """An app that was found.

    Args:
        interface: How it is called.
        entry_point: "module:name" or "module:factory()".
        instead: What `asgi` or `wsgi` would be in place of it, where files for both are there.
    """

    interface: Interface
    entry_point: str
    instead: AppGuess | None = None

    @property
    def why(self) -> str:
        """Why this one was taken, where there are two; else ""."""
        if self.instead is None:
            return ""
        uses = "uses" if self.interface == "asgi" else "does not use"
        return (
            f"of wsgi.py and asgi.py, {self.interface}.py was taken: the project {uses} Channels, "
            "Daphne or ASGI_APPLICATION"
        )


def without_src(app: AppGuess) -> AppGuess:
    """Return an app as it is imported where what is below `src` is installed, or in the path."""
    instead = without_src(app.instead) if app.instead else None
    return AppGuess(app.interface, app.entry_point.removeprefix("src."), instead)


def find_app(trees: Mapping[PurePath, ast.Module]) -> AppGuess | None:
    """Return the most likely app.

    Args:
        trees: Path of a file, relative to the project -> what stands in it.
    """
    found: dict[str, AppGuess] = {}
    for path, tree in sorted(trees.items(), key=lambda each: _rank(each[0])):
        name = _app_in(tree, is_entry=path.stem in _ENTRIES)
        if name:
            interface = _interface(path, tree, trees)
            kind = path.stem if path.stem in _ENTRIES else ""
            found.setdefault(kind, AppGuess(interface, f"{_module(path)}:{name}"))
    wsgi, asgi = (found.get(entry) for entry in _ENTRIES)
    if wsgi and asgi:
        # Django writes both files into each project, whichever of them is used.
        uses_asgi = _uses_asgi(trees.values())
        taken, other = (asgi, wsgi) if uses_asgi else (wsgi, asgi)
        return AppGuess(taken.interface, taken.entry_point, other)
    return wsgi or asgi or found.get("")


def _uses_asgi(trees: Collection[ast.Module]) -> bool:
    """Tell whether a Django project is served by ASGI.

    Projects that are made from templates often name both of their apps in the settings.
    """
    words = {word for tree in trees for word in _words(tree)}
    strings = {
        node.value
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    names_one = "ASGI_APPLICATION" in words and "WSGI_APPLICATION" not in words
    return names_one or bool(_DJANGO_ASGI & (words | strings))


def _rank(path: PurePath) -> tuple[int, int, str]:
    kind = _KINDS.index(path.stem) if path.stem in _KINDS else len(_KINDS)
    return (len(path.parts), kind, str(path))


def _module(path: PurePath) -> str:
    parts = list(path.with_suffix("").parts)
    if parts[-1] == "__init__" and len(parts) > 1:
        parts.pop()
    return ".".join(parts)


def _interface(path: PurePath, tree: ast.Module, trees: Mapping[PurePath, ast.Module]) -> Interface:
    """Return how the app of a file is called: by its class, its file, or what is imported."""
    if is_called := [_CALLED_WITH[each] for each in _arguments(tree) if each in _CALLED_WITH]:
        return is_called[0]
    for kinds, words in (
        (_CLASSES, _calls(tree)),
        (_ENTRIES, {path.stem}),
        (_PACKAGES, _words(tree)),
        (_PACKAGES, {word for each in trees.values() for word in _words(each)}),
    ):
        for interface in _ASGI_FIRST:
            if any(kinds.get(word) == interface for word in words):
                return interface
    return "wsgi"


def _arguments(tree: ast.Module) -> list[tuple[str, ...]]:
    """Return the arguments of functions that may be apps."""
    return [
        tuple(each.arg for each in node.args.args)
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name in _APP_NAMES
    ]


def _calls(tree: ast.Module) -> set[str]:
    return {_called(node) for node in ast.walk(tree) if isinstance(node, ast.Call)}


def _words(tree: ast.Module) -> set[str]:
    """Return the top packages that a file imports, and the names that it assigns to."""
    words = imported_packages(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            words |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return words


def imported_packages(tree: ast.Module) -> set[str]:
    """Return the top packages that a file imports."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add((node.module or "").partition(".")[0])
    return found


def _app_in(tree: ast.Module, *, is_entry: bool) -> str | None:
    """Return the name of the app that a module makes at its top level, or its factory's call."""
    made = {
        name: called
        for name, called in _made_in(tree, is_entry=is_entry)
        if called not in _OTHER_CLASSES
    }
    factories = {
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and _needs_nothing(node)
    }
    known = [
        name
        for name, called in made.items()
        if called in _CLASSES or (is_entry and called in (*_FACTORY_NAMES, *_DJANGO_FACTORIES))
    ]
    named = [name for name in _APP_NAMES if name in made]
    makers = [f"{name}()" for name in _FACTORY_NAMES if name in factories]
    return next(iter([*named, *known, *makers, *_servers(tree)]), None)


def _servers(tree: ast.Module) -> list[str]:
    """Return the functions of a module that servers call themselves."""
    found = {
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and tuple(each.arg for each in node.args.args) in _CALLED_WITH
    }
    return [name for name in _APP_NAMES if name in found]


def _made_in(tree: ast.Module, *, is_entry: bool) -> Iterator[tuple[str, str]]:
    """Yield the names that a module gives to what it makes, and which class or function made it."""
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Call):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if isinstance(target, ast.Name):
                    yield target.id, _called(node.value)
        elif isinstance(node, ast.ImportFrom) and is_entry:
            yield from ((alias.asname or alias.name, "") for alias in node.names)


def _called(call: ast.Call) -> str:
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _needs_nothing(function: ast.FunctionDef) -> bool:
    """Tell whether a function can be called without arguments."""
    given = function.args
    positional = len(given.posonlyargs) + len(given.args)
    return len(given.defaults) >= positional and None not in given.kw_defaults
