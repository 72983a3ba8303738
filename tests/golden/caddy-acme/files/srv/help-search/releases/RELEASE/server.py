# Made by Homeport from templates/gunicorn/server.py.j2, for this release only.
"""Gunicorn's settings for release RELEASE of help-search."""

# What is served. The path leads through the release's own directory, so that no other release's
# code can ever be picked up.
wsgi_app = 'search:app'
chdir = '/srv/help-search/releases/RELEASE/code'

# Where: systemd made this socket and passes it on; gunicorn itself cannot make one there.
bind = 'unix:/run/homeport-sockets/help-search/RELEASE.sock'

# Two processes for each core and one more, as far as memory allows.
workers = 5
worker_class = 'gthread'
threads = 4
# A worker accepts no more connections than it can serve at once. All others wait in the queue of all
# workers, so that none waits for the streams of one worker while another is idle.
worker_connections = 4

# Each worker imports the app itself: a failing import ends the worker, not the master, and
# connections opened at import (databases) are never shared between processes.
preload_app = False

# Seconds without a heartbeat after which a worker is replaced.
timeout = 30
# Seconds for requests in progress when this release is stopped. Homeport drains it first.
graceful_timeout = 30
# nginx closes the connection after each answer (so that it follows the live socket): there is no
# second request to wait for.
keepalive = 0

# A worker is replaced after this many requests, which limits the memory that a leak can take; the
# jitter prevents that all workers are replaced at once.
max_requests = 2000
max_requests_jitter = 200

# The workers' heartbeats are files: on a busy disk they would come too late.
worker_tmp_dir = "/dev/shm"

# nginx logs each request; errors and whatever the app prints go to the journal.
accesslog = None
errorlog = "-"
loglevel = 'info'
capture_output = True

# A request arrives only through nginx, which sets exactly this header and empties all others that
# could claim HTTPS. forwarded_allow_ips does not apply to unix sockets.
secure_scheme_headers = {"X-FORWARDED-PROTO": "https"}

# At least what nginx accepts (large_client_header_buffers).
limit_request_line = 8190
limit_request_fields = 100
limit_request_field_size = 8190

# No control socket: it would be another way to control the server.
control_socket_disable = True

RELEASE = 'RELEASE'

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


def post_worker_init(worker):
    """Add the release to every answer; nginx passes that header on only to the host itself."""
    app = below_prefix(worker.wsgi)

    def stamped(environ, start_response):
        def start(status, headers, exc_info=None):
            return start_response(status, [*headers, ("X-Homeport-Release", RELEASE)], exc_info)

        return app(environ, start)

    worker.wsgi = stamped


def post_request(worker, req, environ, resp):
    """Read the rest of a request's body, if the app left any, before the connection is closed.

    Otherwise nginx, which is still sending the body, would find it closed, and the visitor would get
    a 502. nginx has the whole body by then, and limits its size.
    """
    try:
        while req.body.read(1 << 16):
            pass
    except OSError:
        # nginx did not wait.
        return
