"""Guess what an inventory should say about the project in a folder."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from provisioning.deploy.requirements.projects import PYPROJECT
from provisioning.deploy.requirements.reading import UNREADABLE
from provisioning.inventory.types.units import relative_path
from provisioning.scaffold.app_guess import AppGuess, without_src
from provisioning.scaffold.django_guess import (
    DjangoGuess,
    django_guess,
    is_django,
    production_settings,
)
from provisioning.scaffold.procfile import read_procfile
from provisioning.scaffold.server_lines import app_served
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
_KEY = re.compile(r"(?:^|_)SECRET(?:_KEY)?$")
"""Variables with a key that the app only compares with itself, as frameworks call it."""

_SECRET_VARIABLE = re.compile(r"SECRET|PASSWORD|TOKEN|KEY|DSN|_UR[LI]$|CREDENTIAL")


@dataclass(frozen=True)
class ProjectGuess:
    """What was found; None for what was not.

    Args:
        name: Name for the app, from the folder's.
        app: What to serve, and how it is called.
        requirements: The lock file.
        export: Where it is another tool's: the command by which that exports it for uv.
        static: URL path and folder of static files.
        shared: Folders that the app writes to.
        health: Path of a health check.
        build: Commands that complete a release.
        migrate: Command that brings the database up to date.
        processes: Name -> command of what runs besides the web server.
        env: Variables that the app needs to be found.
        keys: Variables with random keys that the app reads: they can be generated.
        secrets: Other variables that the app reads and that look secret.
    """

    name: str
    app: AppGuess | None
    requirements: str | None
    export: str | None
    static: tuple[str, str] | None
    shared: tuple[str, ...]
    health: str | None
    build: tuple[str, ...]
    migrate: str | None
    processes: dict[str, str]
    env: dict[str, str]
    keys: tuple[str, ...]
    secrets: tuple[str, ...]


def guess(directory: Path) -> ProjectGuess:
    """Look at a project's folder, and import nothing from it."""
    source = SourceGuess(directory)
    is_package = (directory / "src" / "__init__.py").exists() or source.imports("src")
    app, env = _in_src(directory, _app(directory, source.app), is_package=is_package)
    module = app.entry_point.partition(":")[0] if app else ""
    procfile = read_procfile(directory)
    django = django_guess(source.trees) if is_django(directory) else None
    if settings := django and production_settings(directory):
        env = {**env, "DJANGO_SETTINGS_MODULE": settings}
    listed = next((name for name in _REQUIREMENTS if _lists(directory / name)), None)
    # What is locked is to be installed as it is locked, not resolved anew.
    export = _export(directory) if listed in (None, PYPROJECT) else None
    keys = tuple(name for name in source.variables if _KEY.search(name))
    return ProjectGuess(
        name=_app_name(directory.resolve().name),
        app=app,
        requirements=None if export else listed,
        export=export,
        static=_collected(django) if django else _static(directory, module),
        shared=_shared(directory, source, django),
        health=source.health or ("/admin/login/" if django and django.has_only_admin else None),
        build=_collect(keys) if django and django.static_root else (),
        migrate=_migrate(directory, module) or procfile.release or None,
        processes=procfile.processes,
        env=env,
        keys=keys,
        secrets=tuple(
            name
            for name in source.variables
            if _SECRET_VARIABLE.search(name) and name not in keys and name[:9] != "HOMEPORT_"
        ),
    )


def _app(directory: Path, guessed: AppGuess | None) -> AppGuess | None:
    """Return the app: what the project itself says that it serves, else what looks like one."""
    said = app_served(directory)
    if said is None or (guessed and said.entry_point == guessed.entry_point):
        return guessed
    return said


def _in_src(
    directory: Path, app: AppGuess | None, *, is_package: bool
) -> tuple[AppGuess | None, dict[str, str]]:
    """Return the app of a src layout by its own name, and what has Python find it.

    Nothing is needed where the project is installed. What imports `src` itself is no such layout.
    """
    if app is None or not app.entry_point.startswith("src.") or is_package:
        return app, {}
    try:
        project = tomllib.loads((directory / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError):
        project = {}
    return without_src(app), {} if "build-system" in project else {"PYTHONPATH": "src"}


def _shared(directory: Path, source: SourceGuess, django: DjangoGuess | None) -> tuple[str, ...]:
    """Return the folders that the app writes to."""
    found = {
        name
        for name in _SHARED
        if (directory / name).is_dir() or (name == "instance" and source.mentions("instance_path"))
    }
    return tuple(sorted(found | set(django.written if django else ())))


def _collected(django: DjangoGuess) -> tuple[str, str] | None:
    return (django.static_url, django.static_root) if django.static_root else None


def _collect(keys: Sequence[str]) -> tuple[str, ...]:
    """Return the command that collects static files: settings may insist on keys without need."""
    unused = "".join(f"{name}=unused " for name in keys)
    return (f"{unused}python manage.py collectstatic --noinput",)


def _export(directory: Path) -> str | None:
    """Return the command by which a tool that uv knows nothing of exports its lock file."""
    return next((UNREADABLE[name] for name in UNREADABLE if (directory / name).is_file()), None)


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
    if is_django(directory):
        return "python manage.py migrate --noinput"
    if module and (directory / "migrations" / "alembic.ini").is_file():
        return f"flask --app {module} db upgrade"
    if (directory / "alembic.ini").is_file():
        return "alembic upgrade head"
    return None
