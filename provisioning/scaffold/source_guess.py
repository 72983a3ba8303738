"""Find the app and its environment variables in Python files, without importing them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from provisioning.scaffold.app_guess import AppGuess, find_app, imported_packages

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
    def app(self) -> AppGuess | None:
        """Return the most likely app."""
        return find_app(
            {path.relative_to(self.directory): tree for path, tree in self._trees.items()}
        )

    @property
    def health(self) -> str | None:
        """Return the path that looks like a health check."""
        texts = set(self._texts())
        routes = {f"/{each}" for tree in self._trees.values() for each in _routes(tree)}
        return next((path for path in _HEALTH_PATHS if path in texts | routes), None)

    @property
    def trees(self) -> tuple[ast.Module, ...]:
        """Return the files."""
        return tuple(self._trees.values())

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

    def imports(self, package: str) -> bool:
        """Tell whether a file imports a package, or something in it, by its full name."""
        return any(package in imported_packages(tree) for tree in self._trees.values())

    def _files(self) -> list[Path]:
        """Return the files that may hold an app: beside the fabfile, and two folders down."""
        found: list[Path] = []
        for pattern in ("*.py", "*/*.py", "*/*/*.py"):
            for path in sorted(self.directory.glob(pattern)):
                folders = path.relative_to(self.directory).parts[:-1]
                if not any(folder.startswith(".") or folder in _OTHERS for folder in folders):
                    found.append(path)
        return [path for path in found if path.name not in ("fabfile.py", "setup.py")][:_MOST_FILES]

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
    """Tell whether a call reads a variable: of os, django-environ, python-decouple or environs."""
    name = ast.unparse(call.func)
    return name.endswith(("getenv", "environ.get")) or bool(
        re.fullmatch(r"(?:env|config)(?:\.[a-z_]+)?", name)
    )


def _routes(tree: ast.Module) -> Iterator[str]:
    """Yield what Django's `path("healthz", ...)` names, which begins without a slash."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args and ast.unparse(node.func).endswith("path"):
            first = node.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield first.value
