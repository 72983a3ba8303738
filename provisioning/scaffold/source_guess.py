"""Find the WSGI app and its environment variables in Python files, without importing them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

# Names under which an app, or a function that makes one, is usually found; best first.
_APP_NAMES = ("app", "application")
_FACTORY_NAMES = ("create_app", "make_app", "create_application")
_HEALTH_PATHS = ("/healthz", "/health", "/healthcheck", "/health/", "/ping", "/up")
# Folders with Python files that are not the app.
_OTHERS = {"tests", "test", "docs", "migrations", "node_modules", "build", "dist", "venv", "roles"}
# A project with more files than this is only looked at in part.
_MOST_FILES = 400


class SourceGuess:
    """What the Python files of a project tell.

    Args:
        directory: The project's folder.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._trees = {path: tree for path in self._files() if (tree := _tree(path))}

    @property
    def wsgi(self) -> str | None:
        """Return "module:name" or "module:factory()" of the most likely app."""
        for path, tree in sorted(self._trees.items(), key=lambda each: self._rank(each[0])):
            name = _app_in(tree, is_entry=path.stem == "wsgi")
            if name:
                return f"{self._module(path)}:{name}"
        return None

    @property
    def health(self) -> str | None:
        """Return the path that looks like a health check."""
        texts = set(self._texts())
        return next((path for path in _HEALTH_PATHS if path in texts), None)

    @property
    def variables(self) -> tuple[str, ...]:
        """Return the names of environment variables that the files read, sorted."""
        names = {name for tree in self._trees.values() for name in _variables(tree)}
        return tuple(sorted(names))

    def mentions(self, word: str) -> bool:
        """Tell whether the files use a name, as a variable, an attribute or an argument."""
        return any(
            word in (getattr(node, "id", ""), getattr(node, "attr", ""), getattr(node, "arg", ""))
            for tree in self._trees.values()
            for node in ast.walk(tree)
        )

    def _files(self) -> list[Path]:
        """Return the files that may hold an app: beside the fabfile, and two folders down."""
        found: list[Path] = []
        for pattern in ("*.py", "*/*.py", "*/*/*.py"):
            for path in sorted(self.directory.glob(pattern)):
                folders = path.relative_to(self.directory).parts[:-1]
                if not any(folder.startswith(".") or folder in _OTHERS for folder in folders):
                    found.append(path)
        return [path for path in found if path.name not in ("fabfile.py", "setup.py")][:_MOST_FILES]

    def _rank(self, path: Path) -> tuple[int, int, str]:
        depth = len(path.relative_to(self.directory).parts)
        kinds = ("wsgi", "app", "application", "main", "__init__")
        kind = kinds.index(path.stem) if path.stem in kinds else len(kinds)
        # A wsgi.py one folder down is meant for us more than an app.py at the top.
        return (0 if kind == 0 else depth, kind, str(path))

    def _module(self, path: Path) -> str:
        parts = list(path.relative_to(self.directory).with_suffix("").parts)
        if parts[-1] == "__init__" and len(parts) > 1:
            parts.pop()
        return ".".join(parts)

    def _texts(self) -> Iterator[str]:
        for tree in self._trees.values():
            for node in ast.walk(tree):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield node.value


def _tree(path: Path) -> ast.Module | None:
    try:
        return ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return None


def _app_in(tree: ast.Module, *, is_entry: bool) -> str | None:
    """Return the name of the app that a module makes at its top level, or its factory's call."""
    made: dict[str, str] = {}
    factories: list[str] = []
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Call):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if isinstance(target, ast.Name):
                    made[target.id] = _called(node.value)
        elif isinstance(node, ast.ImportFrom) and is_entry:
            made.update({alias.asname or alias.name: "" for alias in node.names})
        elif isinstance(node, ast.FunctionDef) and _needs_nothing(node):
            factories.append(node.name)
    flasks = [name for name, called in made.items() if called == "Flask"]
    named = [name for name in _APP_NAMES if name in made]
    makers = [f"{name}()" for name in _FACTORY_NAMES if name in factories]
    return next(iter([*named, *flasks, *makers]), None)


def _called(call: ast.Call) -> str:
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _needs_nothing(function: ast.FunctionDef) -> bool:
    """Tell whether a function can be called without arguments."""
    given = function.args
    positional = len(given.posonlyargs) + len(given.args)
    return len(given.defaults) >= positional and None not in given.kw_defaults


def _variables(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        key: ast.expr | None = None
        if isinstance(node, ast.Subscript) and "environ" in ast.unparse(node.value):
            key = node.slice
        elif isinstance(node, ast.Call) and node.args and _reads_environment(node):
            key = node.args[0]
        if isinstance(key, ast.Constant) and re.fullmatch(r"[A-Z][A-Z0-9_]+", str(key.value)):
            yield str(key.value)


def _reads_environment(call: ast.Call) -> bool:
    name = ast.unparse(call.func)
    return name.endswith(("getenv", "environ.get"))
