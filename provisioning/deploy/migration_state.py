"""Which command says what migrations a database has: asked before and after the app's `migrate`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from provisioning.inventory.models.app import App

DJANGO = r"^\[X\]\s+(\S+)"
"""Source: Django's `showmigrations --plan`: "[X]  shop.0001_initial"; "[ ]" if not applied."""

ALEMBIC = r"^(?!INFO|WARN)([0-9A-Za-z_.-]+)(?: \((?:effective )?[a-z]+\))*$"
"""Source: `alembic current`: a revision, "(head)", "(mergepoint)". What it logs has more words."""

LINES = r"^\s*(\S.*?)\s*$"


@dataclass(frozen=True)
class MigrationState:
    """How to ask.

    Args:
        argv: Program and arguments; () where nobody knows how.
        pattern: Its first group is the name of a migration, in a line of what the program prints.
    """

    argv: tuple[str, ...] = ()
    pattern: str = LINES


def migration_state(app: App) -> MigrationState:
    """Return how to ask for the migrations that an app's database has."""
    if app.migrate_state:
        return MigrationState(app.migrate_state.argv)
    if not app.migrate or app.migrate.is_shell:
        return MigrationState()
    words = app.migrate.argv
    return _django(words) or _alembic(words) or MigrationState()


def _django(words: Sequence[str]) -> MigrationState | None:
    """Return it for `python manage.py migrate` and its like.

    Options of both commands stay: which database, which settings.
    """
    if "migrate" not in words:
        return None
    at = words.index("migrate")
    if not at or PurePosixPath(words[at - 1]).name not in ("manage.py", "django-admin", "django"):
        return None
    shared = [
        each
        for each in words[at + 1 :]
        if each.startswith(("--database=", "--settings=", "--pythonpath="))
    ]
    return MigrationState((*words[:at], "showmigrations", "--plan", "--no-color", *shared), DJANGO)


def _alembic(words: Sequence[str]) -> MigrationState | None:
    """Return it for `flask db upgrade` and `alembic upgrade head`."""
    if "upgrade" not in words:
        return None
    at = words.index("upgrade")
    before = words[at - 1] if at else ""
    programs = {PurePosixPath(each).name for each in words[:at]}
    is_flasks = before == "db" and "flask" in programs
    if not is_flasks and "alembic" not in programs:
        return None
    directory = _directory(words[at + 1 :])
    return MigrationState((*words[:at], "current", *directory), ALEMBIC)


def _directory(options: Sequence[str]) -> tuple[str, ...]:
    """Return Flask-Migrate's option for where the migrations are."""
    for at, each in enumerate(options):
        if each.startswith("--directory="):
            return (each,)
        if each in ("-d", "--directory"):
            return tuple(options[at : at + 2])
    return ()
