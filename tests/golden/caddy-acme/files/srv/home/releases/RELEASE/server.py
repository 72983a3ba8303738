# Made by Homeport from templates/gunicorn/server.py.j2, for this release only.
"""Gunicorn's settings for release RELEASE of home."""

# What is served. The path leads through the release's own directory, so that no other release's
# code can ever be picked up.
wsgi_app = 'home:app'
chdir = '/srv/home/releases/RELEASE/code'

# Where: systemd made this socket and passes it on; gunicorn itself cannot make one there.
bind = 'unix:/run/homeport-sockets/home/RELEASE.sock'

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


def post_worker_init(worker):
    """Add the release to every answer; nginx passes that header on only to the host itself."""
    app = worker.wsgi

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
