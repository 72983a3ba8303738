"""Guess what an inventory should say about the project in a folder."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from provisioning.inventory.types.units import relative_path
from provisioning.scaffold.source_guess import SourceGuess

# Best first: a lock with digests before a list without.
_REQUIREMENTS = (
    "uv.lock",
    "pylock.toml",
    "requirements.txt",
    "requirements/production.txt",
    "requirements/prod.txt",
    "requirements/base.txt",
)
_SHARED = ("instance", "uploads", "media")
_SECRET_VARIABLE = re.compile(r"SECRET|PASSWORD|TOKEN|KEY|DSN|_UR[LI]$|CREDENTIAL")


@dataclass(frozen=True)
class ProjectGuess:
    """What was found; None for what was not.

    Args:
        name: Name for the app, from the folder's.
        wsgi: "module:name" or "module:factory()".
        requirements: The lock file.
        static: URL path and folder of static files.
        shared: Folders that the app writes to.
        health: Path of a health check.
        migrate: Command that brings the database up to date.
        secrets: Environment variables that the app reads and that look secret.
    """

    name: str
    wsgi: str | None
    requirements: str | None
    static: tuple[str, str] | None
    shared: tuple[str, ...]
    health: str | None
    migrate: str | None
    secrets: tuple[str, ...]


def guess(directory: Path) -> ProjectGuess:
    """Look at a project's folder, and import nothing from it."""
    source = SourceGuess(directory)
    wsgi = source.wsgi
    return ProjectGuess(
        name=_app_name(directory.resolve().name),
        wsgi=wsgi,
        requirements=next((name for name in _REQUIREMENTS if (directory / name).is_file()), None),
        static=_static(directory, wsgi),
        shared=tuple(
            name
            for name in _SHARED
            if (directory / name).is_dir()
            or (name == "instance" and source.mentions("instance_path"))
        ),
        health=source.health,
        migrate=_migrate(directory, wsgi),
        secrets=tuple(
            name
            for name in source.variables
            if _SECRET_VARIABLE.search(name) and name != "SECRET_KEY" and name[:9] != "HOMEPORT_"
        ),
    )


def _app_name(folder: str) -> str:
    words = re.sub(r"[^a-z0-9]+", "-", folder.lower())
    return re.sub(r"^[^a-z]+", "", words)[:31].strip("-") or "app"


def _static(directory: Path, wsgi: str | None) -> tuple[str, str] | None:
    module = (wsgi or "").partition(":")[0].split(".")
    # Flask serves the folder beside the module that makes the app.
    for folders in (module, module[:-1], []):
        path = "/".join([*folders, "static"])
        if (directory / path).is_dir():
            try:
                return "/static/", relative_path(path)
            except ValueError:
                return None
    return None


def _migrate(directory: Path, wsgi: str | None) -> str | None:
    if (directory / "manage.py").is_file():
        return "python manage.py migrate --noinput"
    if wsgi and (directory / "migrations" / "alembic.ini").is_file():
        return f"flask --app {wsgi.partition(':')[0]} db upgrade"
    if (directory / "alembic.ini").is_file():
        return "alembic upgrade head"
    return None
