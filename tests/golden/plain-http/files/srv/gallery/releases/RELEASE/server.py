# Made by Homeport from templates/uwsgi/server.py.j2, for this release only.
"""What uWSGI serves for release RELEASE of gallery.

uWSGI itself takes no arguments of a factory, and no attribute of an object; and over a unix socket
it does not know who asks.
"""

import importlib

app = importlib.import_module('gallery.wsgi').application


def application(environ, start_response):
    """Say who asks, and for what name, as other servers do.

    A request arrives only through the web server, which sets this header and empties all others
    that claim who asks. From X-Forwarded-Proto uWSGI has taken the scheme.
    """
    environ["REMOTE_ADDR"] = environ.get("HTTP_X_FORWARDED_FOR", "")
    environ["SERVER_NAME"] = 'gallery.example.com'
    return app(environ, start_response)
