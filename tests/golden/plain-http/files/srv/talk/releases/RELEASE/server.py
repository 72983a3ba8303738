# Made by Homeport from templates/gunicorn/server.py.j2, for this release only.
"""Gunicorn's settings for release RELEASE of talk."""

import asyncio
import contextlib
import os
import signal

from uvicorn_worker import UvicornWorker

# What is served. The path leads through the release's own directory, so that no other release's
# code can ever be picked up.
wsgi_app = 'talk.asgi:application'
chdir = '/srv/talk/releases/RELEASE/code'

# Where: systemd made this socket and passes it on; gunicorn itself cannot make one there.
bind = 'unix:/run/homeport-sockets/talk/RELEASE.sock'

# Two processes for each core and one more, as far as memory allows.
workers = 12


class Worker(UvicornWorker):
    """An event loop, with the settings of uvicorn that gunicorn has no names for."""

    CONFIG_KWARGS = {
        **UvicornWorker.CONFIG_KWARGS,
        # Every answer says which release it came from; nginx passes that header on only to the host.
        "headers": [("X-Homeport-Release", 'RELEASE')],
        "server_header": False,
        "access_log": True,
        # Seconds for requests in progress; after that, uvicorn cancels them and ends the app's lifespan.
        "timeout_graceful_shutdown": 30,
    }


worker_class = Worker

# Each worker imports the app itself: a failing import ends the worker, not the master, and
# connections opened at import (databases) are never shared between processes.
preload_app = False

# Seconds without a heartbeat after which a worker is replaced.
timeout = 10
# Seconds for requests in progress when this release is stopped. Homeport drains it first.
graceful_timeout = 35
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
accesslog = '-'
errorlog = "-"
loglevel = 'info'
capture_output = True

# A request arrives only through nginx, which sets exactly this header and empties all others that
# could claim HTTPS. uvicorn believes those that stand here, and a unix socket has no address.
forwarded_allow_ips = "*"

# No control socket: it would be another way to control the server.
control_socket_disable = True

# Other settings from the inventory.
accesslog = '-'


def finishing(app):
    """Read the rest of a request's body, if the app left any, before the answer ends.

    Otherwise uvicorn would close the connection while the web server is still sending the body, and
    the visitor would get a 502. The web server has the whole body by then, and limits its size.
    """

    async def finished(scope, receive, send):
        length = dict(scope.get("headers", ())).get(b"content-length", b"0")
        if scope["type"] != "http" or length == b"0":
            await app(scope, receive, send)
            return
        is_read = False
        held = []

        async def received():
            nonlocal is_read
            message = await receive()
            is_read = not message.get("more_body", False)
            return message

        async def sent(message):
            if message["type"] == "http.response.start" and not is_read:
                # The web server sends no more of the body once it has the start of the answer.
                held.append(message)
                return
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                # If it has that already, what it has sent is all that comes.
                quiet_s = None if held else 1
                with contextlib.suppress(asyncio.TimeoutError):
                    while not is_read:
                        await asyncio.wait_for(received(), quiet_s)
            while held:
                await send(held.pop())
            await send(message)

        await app(scope, received, sent)

    return finished


def outlive_master(worker):
    """Let a worker whose master was killed finish its requests and end, as gunicorn's others do."""
    notify = worker.notify

    def notify_or_finish():
        if worker.ppid != os.getppid():
            worker.ppid = os.getppid()
            os.kill(os.getpid(), signal.SIGTERM)
        notify()

    worker.notify = notify_or_finish


def post_worker_init(worker):
    """Prepare a worker for its requests and for the end of its master."""
    worker.wsgi = finishing(worker.wsgi)
    outlive_master(worker)
