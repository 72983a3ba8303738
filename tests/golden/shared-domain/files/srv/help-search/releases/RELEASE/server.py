# Made by Homeport from templates/uwsgi/server.py.j2, for this release only.
"""What uWSGI serves for release RELEASE of help-search.

uWSGI itself accepts neither arguments of a factory nor an attribute of an object; and over a unix
socket it does not know the client's address.
"""

import importlib

# Where visitors find the app. The web server passes on whole paths.
PREFIX = '/help/search'


def below_prefix(app):
    """Tell the app that it is below the prefix. Source: PEP 3333, SCRIPT_NAME and PATH_INFO."""

    def called(environ, start_response):
        path = environ["PATH_INFO"]
        if not path.startswith(PREFIX + "/"):
            start_response("404 Not Found", [("Content-Length", "0")])
            return [b""]
        environ["SCRIPT_NAME"] = PREFIX
        environ["PATH_INFO"] = path[len(PREFIX) :]

        def start(status, headers, exc_info=None):
            return start_response(status, [own_cookie(*each) for each in headers], exc_info)

        return app(environ, start)

    return called


def own_cookie(name, value):
    """Return a header; a cookie for all paths becomes one for the app's: others have the same names.

    Browsers accept __Host- cookies for all paths only. Source: RFC 6265bis, 4.1.3.2.
    """
    if name.lower() != "set-cookie" or value.lower().startswith("__host-"):
        return name, value
    first, *attributes = value.split(";")
    own = [f" Path={PREFIX}/" if is_for_all_paths(each) else each for each in attributes]
    return name, ";".join([first, *own])


def is_for_all_paths(attribute):
    """Tell whether a cookie's attribute is a path of "/". Source: RFC 6265, 5.2."""
    key, _, given = attribute.partition("=")
    return key.strip().lower() == "path" and given.strip() == "/"


app = below_prefix(importlib.import_module('search').app)


def application(environ, start_response):
    """Provide the client's address and the server's name, as other servers do.

    A request arrives only through the web server, which sets this header and empties all others
    that claim a client's address. uWSGI has taken the scheme from X-Forwarded-Proto.
    """
    environ["REMOTE_ADDR"] = environ.get("HTTP_X_FORWARDED_FOR", "")
    environ["SERVER_NAME"] = 'example.com'
    return app(environ, start_response)
