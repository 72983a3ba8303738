"""The door of a build: a proxy outside its sandbox, the only way from there to the network."""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import subprocess
from typing import Iterator, List, Sequence, Tuple

from provisioning.agent import layout
from provisioning.agent.machine import child, files
from provisioning.agent.machine.programs import CLEAN_ENVIRONMENT, identity_of

INSIDE = "provisioning.agent.builds.inside"
PROXY = "provisioning.agent.builds.proxy"

MOST_NAMES_BYTES = 1 << 14
"""Of the names of refused hosts; the proxy reports fewer than this."""


@contextlib.contextmanager
def opened(hosts: Sequence[str]) -> Iterator[Tuple[str, subprocess.Popen[bytes]]]:
    """Have a proxy listen in a directory that only root and the build can reach.

    Args:
        hosts: "name:port" that the build may reach.
    """
    directory = place()
    files.remove(directory)
    files.make_directory(directory)
    listener = socket.socket(socket.AF_UNIX)
    try:
        path = os.path.join(directory, "proxy.sock")
        listener.bind(path)
        listener.listen(64)
        # The directory above is root's alone: only where it is mounted can it be reached.
        os.chmod(path, 0o666)  # noqa: S103  # nosec B103
        proxy = _start_proxy(listener, hosts)
    finally:
        listener.close()
    try:
        yield directory, proxy
    finally:
        proxy.kill()
        proxy.wait()
        for pipe in (proxy.stdin, proxy.stdout):
            if pipe is not None:
                pipe.close()
        files.remove(directory)


def _start_proxy(listener: socket.socket, hosts: Sequence[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603
        child.command((INSIDE, PROXY), str(listener.fileno()), json.dumps(list(hosts))),
        # It ends when this pipe does: with us.
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd="/",
        env=CLEAN_ENVIRONMENT,
        pass_fds=[listener.fileno()],
        start_new_session=True,
        **identity_of(layout.BUILDER),
    )


def refused_names(proxy: subprocess.Popen[bytes]) -> List[str]:
    """Return what the proxy has said by now: the hosts that it refused."""
    assert proxy.stdout is not None
    text = b""
    while len(text) < MOST_NAMES_BYTES and select.select([proxy.stdout], [], [], 0)[0]:
        part = os.read(proxy.stdout.fileno(), MOST_NAMES_BYTES)
        if not part:
            break
        text += part
    return text.decode(errors="replace").split()


def place() -> str:
    """Return where the proxy's socket is on the host: under its lock there is one build only."""
    return os.path.join(layout.RUNTIME, "build")
