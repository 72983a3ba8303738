"""How the database of an app is asked for its migrations."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from provisioning.agent.apps.migrations import names_in
from provisioning.deploy.migration_state import ALEMBIC, DJANGO, LINES, migration_state
from provisioning.inventory.types.commands import parse_command

SHOWN = ("showmigrations", "--plan", "--no-color")


def _app(migrate: Any, state: Any = None) -> Any:
    commands = {"migrate": migrate, "migrate_state": state}
    return SimpleNamespace(**{key: each and parse_command(each) for key, each in commands.items()})


@pytest.mark.parametrize(
    ("migrate", "argv", "pattern"),
    [
        ("python manage.py migrate --noinput", ("python", "manage.py", *SHOWN), DJANGO),
        ("./manage.py migrate shop", ("./manage.py", *SHOWN), DJANGO),
        (
            "python -m django migrate --settings=x.y --database=other --fake-initial",
            ("python", "-m", "django", *SHOWN, "--settings=x.y", "--database=other"),
            DJANGO,
        ),
        ("A=1 django-admin migrate", ("/usr/bin/env", "A=1", "django-admin", *SHOWN), DJANGO),
        ("flask --app app db upgrade", ("flask", "--app", "app", "db", "current"), ALEMBIC),
        (
            ["flask", "db", "upgrade", "-d", "my migrations", "head"],
            ("flask", "db", "current", "-d", "my migrations"),
            ALEMBIC,
        ),
        ("flask db upgrade --directory=x", ("flask", "db", "current", "--directory=x"), ALEMBIC),
        ("alembic -c a.ini upgrade head", ("alembic", "-c", "a.ini", "current"), ALEMBIC),
        ("python -m alembic upgrade head", ("python", "-m", "alembic", "current"), ALEMBIC),
    ],
)
def test_frameworks_are_asked_in_their_own_way(migrate: Any, argv: Any, pattern: str) -> None:
    asked = migration_state(_app(migrate))
    assert (asked.argv, asked.pattern) == (argv, pattern)


@pytest.mark.parametrize(
    "migrate",
    [None, "python migrate.py", "migrate", "make migrate", "python manage.py upgrade",
     "cd x && python manage.py migrate", "poetry upgrade", "db upgrade"],
)  # fmt: skip
def test_who_is_not_known_is_not_asked(migrate: str | None) -> None:
    assert migration_state(_app(migrate)).argv == ()


def test_a_command_of_the_apps_own_comes_first() -> None:
    asked = migration_state(_app("python manage.py migrate", "psql -c 'select name from m'"))
    assert asked.argv == ("psql", "-c", "select name from m")
    assert names_in(["", " one ", "two\tx"], asked.pattern) == ["one"]
    assert asked.pattern == LINES


def test_names_are_read_from_what_they_print() -> None:
    django = [
        "System check identified",
        "[X]  auth.0001_initial",
        "[ ]  shop.0002_price",
        "[X]  b.1",
    ]
    assert names_in(django, DJANGO) == ["auth.0001_initial", "b.1"]
    alembic = [
        "INFO  [alembic.runtime.migration] Context impl SQLiteImpl.",
        "1a65e3b3b0a8",
        "ee397564106a (head)",
        "ae1027a6acf (effective head)",
        "Current revision(s) for sqlite:///x:",
    ]
    assert names_in(alembic, ALEMBIC) == ["1a65e3b3b0a8", "ee397564106a", "ae1027a6acf"]
