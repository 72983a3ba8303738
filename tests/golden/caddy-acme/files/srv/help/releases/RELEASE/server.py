# Made by Homeport from templates/waitress/server.py.j2, for this release only.
"""Serves release RELEASE of help with Waitress.

waitress-serve would end at SIGTERM without waiting for requests in progress.
"""

import importlib
import os
import signal
import socket
import sys
import threading
import time

RELEASE = 'RELEASE'
CODE = '/srv/help/releases/RELEASE/code'
# Seconds for requests in progress when this release is stopped.
DRAIN_S = 30
# Source: sd_listen_fds(3): the first socket that systemd passes.
SOCKET = 3

# Not this file's directory: imports must come from the release's code.
sys.path[0] = CODE
os.chdir(CODE)


# Where visitors find the app. The web server passes on whole paths.
PREFIX = '/help'


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


def notify(state):
    """Tell systemd. Source: sd_notify(3)."""
    address = os.environ["NOTIFY_SOCKET"]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notifying:
        notifying.connect("\0" + address[1:] if address.startswith("@") else address)
        notifying.sendall(state)


def stamped(app):
    """Add the release to every answer; the web server passes it on only to the host itself."""

    def answered(environ, start_response):
        def start(status, headers, exc_info=None):
            return start_response(status, [*headers, ("X-Homeport-Release", RELEASE)], exc_info)

        return app(environ, start)

    return answered


def drain(server, stop):
    """End when no request has been in progress for a moment.

    Waiting connections are served too, but not forever: in the second half of the time the server
    accepts no new ones. The socket belongs to systemd, so they wait there for the next process.
    """
    stop.wait()
    notify(b"STOPPING=1")
    began, quiet = time.monotonic(), 0
    while time.monotonic() < began + DRAIN_S and quiet < 5:
        if time.monotonic() > began + DRAIN_S / 2:
            server.readable = lambda: False
        tasks = server.task_dispatcher
        busy = server.active_channels or tasks.active_count or tasks.queue
        quiet = 0 if busy else quiet + 1
        time.sleep(0.05)
    sys.stdout.flush()
    sys.stderr.flush()
    # Not sys.exit(): a thread that hangs would block it.
    os._exit(0)


def main():
    """Import the app, and serve it."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    listening = socket.socket(fileno=SOCKET)

    from waitress import create_server

    app = below_prefix(importlib.import_module('help.app').app)
    server = create_server(
        stamped(app),
        sockets=[listening],
        threads=4,
        # Do not name the server in answers.
        ident=None,
        server_name='example.com',
        # A request arrives only through the web server, which sets these and empties all others.
        # Over a unix socket waitress gives every client this name. Source: UnixWSGIServer.
        trusted_proxy="localhost",
        trusted_proxy_headers={"x-forwarded-for", "x-forwarded-proto"},
        clear_untrusted_proxy_headers=True,
        # The web server already limits requests.
        max_request_body_size=10485760 + 1,
    )
    threading.Thread(target=drain, args=(server, stop), daemon=True).start()
    notify(b"READY=1")
    server.run()


main()
