"""Which app a project serves where it says so itself: in its Procfile or its Dockerfile."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from provisioning.inventory.types.interface import Interface
from provisioning.scaffold.app_guess import AppGuess

_FILES = (
    ("Procfile", re.compile(r"^web:(.*)$", re.MULTILINE)),
    ("Dockerfile", re.compile(r"^(?:CMD|ENTRYPOINT)\b((?:.*\\\n)*.*)$", re.MULTILINE)),
    ("docker-entrypoint.sh", re.compile(r"^(.*)$", re.MULTILINE)),
    ("entrypoint.sh", re.compile(r"^(.*)$", re.MULTILINE)),
)
"""Files in which a project says how it is served -> the lines that may do so, best first."""

_SERVER = re.compile(r"\b(gunicorn|uwsgi|waitress-serve|uvicorn|hypercorn|daphne)\b")
_ASGI = re.compile(r"\b(uvicorn|hypercorn|daphne)\b|UvicornWorker")
_ENTRY_POINT = re.compile(r"(?<![\w./-])([A-Za-z_]\w*(?:\.\w+)*):([A-Za-z_]\w*(?:\(\))?)(?![\w:/])")
_MODULE = re.compile(r"(?<![\w./-])([A-Za-z_]\w*(?:\.\w+)*\.wsgi|wsgi)(?![\w:./])")


def app_served(directory: Path) -> AppGuess | None:
    """Return the app that a project's own server is started with, if its module is there.

    In a src layout the module begins with "src.".
    """
    for line in _lines(directory):
        server = _SERVER.search(line)
        if server is None:
            continue
        # In a list of JSON, words have quotes and commas between them.
        words = re.sub(r"[\"',\[\]]", " ", line[server.end() :])
        interface: Interface = "asgi" if _ASGI.search(line) else "wsgi"
        found = [(match[1], match[2]) for match in _ENTRY_POINT.finditer(words)]
        if interface == "wsgi":
            # Source: gunicorn's documentation, "WSGI_APP": the name is `application` by default.
            found += [(match[1], "application") for match in _MODULE.finditer(words)]
        for module, name in found:
            folder = _folder_of(directory, module)
            if folder is not None:
                return AppGuess(interface, f"{folder}{module}:{name}")
    return None


def _lines(directory: Path) -> Iterator[str]:
    for name, pattern in _FILES:
        try:
            text = (directory / name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        yield from (each[1] for each in pattern.finditer(text))


def _folder_of(directory: Path, module: str) -> str | None:
    """Return what leads to a module, as Python names it: "", or "src."; None if it is not there."""
    path = module.replace(".", "/")
    for folder in ("", "src"):
        if any(
            (directory / folder / each).is_file() for each in (f"{path}.py", f"{path}/__init__.py")
        ):
            return f"{folder}." if folder else ""
    return None
