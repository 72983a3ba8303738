# Made by Homeport from templates/uwsgi/server.py.j2, for this release only.
"""What uWSGI serves for release RELEASE of gallery.

uWSGI itself accepts neither arguments of a factory nor an attribute of an object; and over a unix
socket it does not know the client's address.
"""

import importlib

app = importlib.import_module('gallery.wsgi').application


def application(environ, start_response):
    """Provide the client's address and the server's name, as other servers do.

    A request arrives only through the web server, which sets this header and empties all others
    that claim a client's address. uWSGI has taken the scheme from X-Forwarded-Proto.
    """
    environ["REMOTE_ADDR"] = environ.get("HTTP_X_FORWARDED_FOR", "")
    environ["SERVER_NAME"] = 'gallery.example.com'
    return app(environ, start_response)
