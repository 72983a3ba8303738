# Made by Homeport from templates/gunicorn/server.py.j2, for this release only.
"""Gunicorn's settings for release RELEASE of hello."""

# What is served. The path leads through the release's own directory, so that no other release's
# code can ever be picked up.
wsgi_app = 'app:create_app()'
chdir = '/srv/hello/releases/RELEASE/code'

# Where: systemd has made this socket, and hands it over. gunicorn itself could not make it there.
bind = 'unix:/run/homeport-sockets/hello/RELEASE.sock'

# Two processes for each core and one besides, as far as memory goes.
workers = 5
worker_class = 'gthread'
threads = 4
# A worker takes no more connections than it can serve at once. All others wait where any worker
# fetches them: none stands behind the streams of one worker while another is idle.
worker_connections = 4

# Each worker imports the app by itself: one that cannot ends the worker, not the master, and
# connections opened at import (databases) are never shared between processes.
preload_app = False

# Seconds without a sign of life after which a worker is replaced.
timeout = 30
# Seconds that requests under way get when this release is stopped. By then it is drained.
graceful_timeout = 30
# nginx closes after each answer (that is how it follows the live socket): there is no second
# request to wait for.
keepalive = 0

# A worker is renewed now and then, which bounds what a leak can take; the jitter keeps them
# from going all at once.
max_requests = 2000
max_requests_jitter = 200

# The workers' signs of life are files: on a disk that is busy they would come too late.
worker_tmp_dir = "/dev/shm"

# nginx logs each request; errors and whatever the app prints go to the journal.
accesslog = None
errorlog = "-"
loglevel = 'info'
capture_output = True

# A request arrives only through nginx, which sets exactly this header; all others that could
# claim HTTPS it has emptied. forwarded_allow_ips does not apply to unix sockets.
secure_scheme_headers = {"X-FORWARDED-PROTO": "https"}

# At least what nginx takes (large_client_header_buffers).
limit_request_line = 8190
limit_request_fields = 100
limit_request_field_size = 8190

# No control socket: it would be one more way in.
control_socket_disable = True

RELEASE = 'RELEASE'


def post_worker_init(worker):
    """Let every answer say which release it came from; nginx tells only the host itself."""
    app = worker.wsgi

    def stamped(environ, start_response):
        def start(status, headers, exc_info=None):
            return start_response(status, [*headers, ("X-Homeport-Release", RELEASE)], exc_info)

        return app(environ, start)

    worker.wsgi = stamped
