"""Hello: a small Flask app, set up the way Homeport runs it in production.

`app:create_app()` is the WSGI app. Everything that differs between a laptop and a
server comes from the environment; see `settings.py`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from flask import Flask, current_app, render_template
from werkzeug.exceptions import HTTPException, SecurityError
from werkzeug.middleware.proxy_fix import ProxyFix

from app import database, guestbook, pages, testing
from app.settings import settings


def create_app(environ: Mapping[str, str] | None = None) -> Flask:
    """Make the app from the environment; it refuses to start without SECRET_KEY."""
    environ = os.environ if environ is None else environ
    app = Flask(__name__)
    app.config.update(settings(environ, app.instance_path))

    # One proxy stands before the app and overwrites these two headers; the Host header
    # is right already, so X-Forwarded-Host is not believed.
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=0)  # type: ignore[method-assign]

    database.init_app(app)
    app.register_blueprint(pages.blueprint)
    app.register_blueprint(guestbook.blueprint)
    if app.config["TEST_ENDPOINTS"]:
        app.register_blueprint(testing.blueprint)

    app.register_error_handler(HTTPException, _error_page)
    app.url_defaults(_release_of_static_files)
    app.context_processor(lambda: {"release": app.config["RELEASE"]})
    return app


def _error_page(error: HTTPException) -> tuple[str, int] | HTTPException:
    """Show any error, 404 as well as 500, as a page without details of the inside."""
    # A host that is not trusted has no addresses, so no page of ours can be built for it.
    if error.response is not None or isinstance(error, SecurityError):
        return error
    return render_template("error.html", error=error), error.code or 500


def _release_of_static_files(endpoint: str, values: dict[str, object]) -> None:
    """Add the release to the address of static files, so that browsers fetch new ones."""
    if endpoint == "static":
        values.setdefault("v", current_app.config["RELEASE"])
