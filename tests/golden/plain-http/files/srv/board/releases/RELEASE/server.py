# Made by Homeport from templates/uvicorn/server.py.j2, for this release only.
"""Serves release RELEASE of board with uvicorn.

Uvicorn's own supervisor ends with success where an app cannot start, keeps visitors waiting while
it replaces workers, and leaves its workers alone if it is killed.
"""

import asyncio
import contextlib
import importlib
import os
import random
import signal
import socket
import sys
import threading

CODE = '/srv/board/releases/RELEASE/code'
# Two processes for each core and one more, as far as memory allows (set by hand).
WORKERS = 2
# A worker is replaced after this many requests, which limits the memory that a leak can take; the
# jitter prevents that all workers are replaced at once.
MAX_REQUESTS = 0
JITTER = 0
# Source: sd_listen_fds(3): the first socket that systemd passes.
SOCKET = 3
# Exit status of a worker that cannot start: another one could not either.
CANNOT_START = 3

SETTINGS = {
    # Every answer says which release it came from; the web server tells only the host itself.
    "headers": [("X-Homeport-Release", 'RELEASE')],
    "server_header": False,
    # A request arrives only through the web server, which sets X-Forwarded-For and -Proto, and empties
    # all other headers that claim a client. A unix socket has no address that could be named here.
    "proxy_headers": True,
    "forwarded_allow_ips": "*",
    # Seconds for requests in progress; after that, uvicorn cancels them and ends the app's lifespan.
    "timeout_graceful_shutdown": 30,
    "use_colors": False,
    "ws_max_size": 65536,
    "lifespan": 'on',
    "access_log": False,
}


def notify(state):
    """Tell systemd. Source: sd_notify(3)."""
    address = os.environ["NOTIFY_SOCKET"]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notifying:
        notifying.connect("\0" + address[1:] if address.startswith("@") else address)
        notifying.sendall(state)


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


def serve(alive):
    """Import the app and serve it: this is a worker.

    Args:
        alive: Pipe whose other end the main process has, and nobody else.
    """

    def finish_without_main_process():
        os.read(alive, 1)
        os.kill(os.getpid(), signal.SIGTERM)

    # Uvicorn finishes at SIGTERM, and then passes it on to this handler.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    threading.Thread(target=finish_without_main_process, daemon=True).start()

    import uvicorn

    if MAX_REQUESTS:
        SETTINGS["limit_max_requests"] = MAX_REQUESTS + random.randint(0, JITTER)
    # First: it sets up logging, which the app may change.
    config = uvicorn.Config("", **SETTINGS)
    config.app = finishing(importlib.import_module('board').create_app())
    server = uvicorn.Server(config)
    server.run(sockets=[socket.socket(fileno=SOCKET)])
    sys.exit(0 if server.started else CANNOT_START)


class Workers:
    """The main process: it imports nothing of the app, and keeps as many workers as there should be."""

    def __init__(self):
        self.pids = set()
        self.is_stopping = False
        # The read end reaches its end when this process, which alone keeps the write end, is gone.
        self.alive, self.held = os.pipe()

    def start(self):
        """Fork a worker, unless the server is stopping."""
        # Whoever forks a worker must know its id before a signal can come.
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
        pid = None if self.is_stopping else os.fork()
        if pid == 0:
            os.close(self.held)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
            serve(self.alive)
        if pid:
            self.pids.add(pid)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])

    def stop(self, *_):
        """Have all workers finish."""
        self.is_stopping = True
        for pid in self.pids:
            # One may have ended in this moment.
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)

    def run(self):
        """Replace each worker that ends; return the exit status when none is left."""
        status = 0
        while self.pids:
            pid, ended = os.wait()
            self.pids.discard(pid)
            if self.is_stopping:
                continue
            if os.WIFEXITED(ended) and os.WEXITSTATUS(ended):
                status = 1
                self.stop()
            else:
                self.start()
        return status


def main():
    """Serve until SIGTERM."""
    # Not this file's directory: imports must come from the release's code.
    sys.path[0] = CODE
    os.chdir(CODE)
    workers = Workers()
    signal.signal(signal.SIGTERM, workers.stop)
    for _ in range(WORKERS):
        workers.start()
    notify(b"READY=1")
    sys.exit(workers.run())


main()
