"""The guest book: a form, a table, and a token against forged forms."""

from __future__ import annotations

import secrets
from typing import Any

import click
from flask import Blueprint, abort, flash, redirect, request, session, url_for
from werkzeug.wrappers import Response

from app import database

blueprint = Blueprint("guestbook", __name__)

NAME_CHARS = 40
MESSAGE_CHARS = 280
_SHOWN_ENTRIES = 12
_KEPT_ENTRIES = 500


def shown() -> dict[str, Any]:
    """Return what the home page shows of the guest book."""
    ready = database.is_ready()
    entries = (
        database.connection().execute(
            "SELECT name, message, written_at FROM entry ORDER BY id DESC LIMIT ?",
            (_SHOWN_ENTRIES,),
        )
        if ready
        else ()
    )
    return {
        "guestbook_ready": ready,
        "entries": list(entries),
        "form_token": _form_token(),
        "name_chars": NAME_CHARS,
        "message_chars": MESSAGE_CHARS,
    }


@blueprint.post("/guestbook")
def sign() -> Response:
    """Write an entry, and lead back to the page, so that reloading writes no second one."""
    given = request.form.get("form_token", "")
    if not secrets.compare_digest(given.encode(), _form_token().encode()):
        abort(400, "The form is out of date. Go back, reload the page, and try again.")
    if not database.is_ready():
        abort(503, "The guest book is not open yet.")
    name = " ".join(request.form.get("name", "").split())
    message = request.form.get("message", "").strip()
    if not name or not message:
        flash("Please fill in both your name and a message.", "refused")
    elif len(name) > NAME_CHARS or len(message) > MESSAGE_CHARS:
        flash("That is a little too long for one entry.", "refused")
    else:
        with database.connection() as connection:
            connection.execute("INSERT INTO entry (name, message) VALUES (?, ?)", (name, message))
            # Anybody may write, so the book has a last page.
            connection.execute(
                "DELETE FROM entry WHERE id <= (SELECT max(id) FROM entry) - ?", (_KEPT_ENTRIES,)
            )
        flash("Thank you! Your entry will outlive this release.", "written")
    return redirect(url_for("pages.home", _anchor="guestbook"), 303)


@blueprint.cli.command("tidy")
@click.option("--days", default=365, show_default=True, help="Days that an entry stays.")
def tidy(days: int) -> None:
    """Remove old entries; a timer of the inventory runs this at night."""
    if not database.is_ready():
        click.echo("the guest book is not open yet")
        return
    with database.connection() as connection:
        removed = connection.execute(
            "DELETE FROM entry WHERE datetime(written_at) < datetime('now', ?)", (f"-{days} days",)
        )
    click.echo(f"entries removed: {removed.rowcount}")


def _form_token() -> str:
    """Return the token of this visitor's session."""
    if "form_token" not in session:
        session["form_token"] = secrets.token_urlsafe(16)
    token: str = session["form_token"]
    return token
