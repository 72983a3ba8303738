"""The home page, and the path that tells whether the app can serve."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version

from flask import (
    Blueprint,
    Response,
    current_app,
    jsonify,
    render_template,
    request,
    session,
    url_for,
)

from app import database, guestbook

blueprint = Blueprint("pages", __name__)


@blueprint.get("/")
def home() -> str:
    """Show what a visitor's request looks like from inside."""
    session["visits"] = session.get("visits", 0) + 1
    return render_template(
        "home.html",
        visits=session["visits"],
        request_facts={
            "Scheme": request.scheme,
            "Your address": request.remote_addr or "unknown",
            "Host": request.host,
            "This page's address": url_for("pages.home", _external=True),
        },
        release_facts={
            "Release": current_app.config["RELEASE"],
            "Worker process": str(os.getpid()),
            "Python": platform.python_version(),
            "Flask": version("flask"),
        },
        **guestbook.shown(),
    )


@blueprint.get("/healthz")
def healthz() -> Response:
    """Answer 200 if the app can serve: without its database it cannot.

    It opens the file and runs no query, so that a busy database is no reason to refuse a release.
    """
    well = database.is_reachable()
    response = jsonify(
        status="ok" if well else "no database", release=current_app.config["RELEASE"]
    )
    response.status_code = 200 if well else 503
    response.headers["Cache-Control"] = "no-store"
    return response
