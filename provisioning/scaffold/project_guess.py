"""Guess what an inventory should say about the project in a folder."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from provisioning.inventory.types.units import relative_path
from provisioning.scaffold.app_guess import AppGuess
from provisioning.scaffold.source_guess import SourceGuess

# Best first: a lock with digests before a list without.
_REQUIREMENTS = (
    "uv.lock",
    "pylock.toml",
    "requirements.txt",
    "requirements/production.txt",
    "requirements/prod.txt",
    "requirements/base.txt",
    "pyproject.toml",
)
_SHARED = ("instance", "uploads", "media")
_SECRET_VARIABLE = re.compile(r"SECRET|PASSWORD|TOKEN|KEY|DSN|_UR[LI]$|CREDENTIAL")


@dataclass(frozen=True)
class ProjectGuess:
    """What was found; None for what was not.

    Args:
        name: Name for the app, from the folder's.
        app: What to serve, and how it is called.
        requirements: The lock file.
        static: URL path and folder of static files.
        shared: Folders that the app writes to.
        health: Path of a health check.
        migrate: Command that brings the database up to date.
        secrets: Environment variables that the app reads and that look secret.
    """

    name: str
    app: AppGuess | None
    requirements: str | None
    static: tuple[str, str] | None
    shared: tuple[str, ...]
    health: str | None
    migrate: str | None
    secrets: tuple[str, ...]


def guess(directory: Path) -> ProjectGuess:
    """Look at a project's folder, and import nothing from it."""
    source = SourceGuess(directory)
    app = source.app
    module = app.entry_point.partition(":")[0] if app else ""
    return ProjectGuess(
        name=_app_name(directory.resolve().name),
        app=app,
        requirements=next((name for name in _REQUIREMENTS if _lists(directory / name)), None),
        static=_static(directory, module),
        shared=tuple(
            name
            for name in _SHARED
            if (directory / name).is_dir()
            or (name == "instance" and source.mentions("instance_path"))
        ),
        health=source.health,
        migrate=_migrate(directory, module),
        secrets=tuple(
            name
            for name in source.variables
            if _SECRET_VARIABLE.search(name) and name != "SECRET_KEY" and name[:9] != "HOMEPORT_"
        ),
    )


def _lists(path: Path) -> bool:
    """Return whether a file is there and names requirements; many projects only set tools up."""
    if not path.is_file():
        return False
    if path.name != "pyproject.toml":
        return True
    try:
        return "dependencies" in tomllib.loads(path.read_text()).get("project", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        return False


def _app_name(folder: str) -> str:
    words = re.sub(r"[^a-z0-9]+", "-", folder.lower())
    return re.sub(r"^[^a-z]+", "", words)[:31].strip("-") or "app"


def _static(directory: Path, module: str) -> tuple[str, str] | None:
    parts = module.split(".")
    # Flask serves the folder beside the module that makes the app.
    for folders in (parts, parts[:-1], []):
        path = "/".join([*folders, "static"])
        if (directory / path).is_dir():
            try:
                return "/static/", relative_path(path)
            except ValueError:
                return None
    return None


def _migrate(directory: Path, module: str) -> str | None:
    if (directory / "manage.py").is_file():
        return "python manage.py migrate --noinput"
    if module and (directory / "migrations" / "alembic.ini").is_file():
        return f"flask --app {module} db upgrade"
    if (directory / "alembic.ini").is_file():
        return "alembic upgrade head"
    return None
