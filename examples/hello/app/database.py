"""The guest book's database: one SQLite file in a folder that survives releases."""

from __future__ import annotations

import os
import sqlite3

import click
from flask import Flask, current_app, g
from flask.cli import with_appcontext

# Each entry brings a database from the version before it to its own; never edit one
# that has been released, append another.
MIGRATIONS = (
    """
    CREATE TABLE entry (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL,
        message TEXT NOT NULL,
        written_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
    );
    """,
)

# The first bytes of every SQLite file. Source: SQLite, "Database File Format", 1.3.
_MAGIC = b"SQLite format 3\0"


def init_app(app: Flask) -> None:
    """Close connections after requests, and add the migration command."""
    app.teardown_appcontext(_close)
    app.cli.add_command(init_db)


def connection() -> sqlite3.Connection:
    """Return this request's connection."""
    if "database" not in g:
        g.database = sqlite3.connect(current_app.config["DATABASE"], timeout=5)
        g.database.row_factory = sqlite3.Row
    database: sqlite3.Connection = g.database
    return database


def is_reachable() -> bool:
    """Tell whether the database can be read; one that is yet to be made is no trouble."""
    try:
        with open(current_app.config["DATABASE"], "rb") as file:
            return file.read(len(_MAGIC)) in (b"", _MAGIC)
    except FileNotFoundError:
        return True
    except OSError:
        return False


def is_ready() -> bool:
    """Tell whether every migration has been applied."""
    return os.path.exists(current_app.config["DATABASE"]) and _version() == len(MIGRATIONS)


@click.command("init-db")
@with_appcontext
def init_db() -> None:
    """Bring the database up to date; run twice, the second changes nothing."""
    path = current_app.config["DATABASE"]
    os.makedirs(os.path.dirname(path), exist_ok=True)
    # Readers and a writer side by side, which matters while two releases are alive.
    connection().execute("PRAGMA journal_mode = WAL")
    before = _version()
    for version in range(before, len(MIGRATIONS)):
        connection().executescript(
            f"BEGIN IMMEDIATE; {MIGRATIONS[version]} PRAGMA user_version = {version + 1}; COMMIT;"
        )
    click.echo(f"database version {before} -> {_version()}")


def _version() -> int:
    return int(connection().execute("PRAGMA user_version").fetchone()[0])


def _close(error: BaseException | None) -> None:
    database = g.pop("database", None)
    if database is not None:
        database.close()
