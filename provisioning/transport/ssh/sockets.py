"""The socket below SSH: options that make it quick and let it notice a dead peer, and counts."""

from __future__ import annotations

import contextlib
import select
import socket
import subprocess
import threading
from typing import Protocol

from provisioning.transport.counters import Counters
from provisioning.transport.login.login import Login, expand_tokens
from provisioning.transport.ssh.keepalive import Silence

# A peer that is gone is noticed within 30 s: when idle by three unanswered probes...
KEEPALIVE_IDLE_S = 15
KEEPALIVE_INTERVAL_S = 5
KEEPALIVE_PROBES = 3
# ... and when something was sent, because nobody acknowledged it.
USER_TIMEOUT_MS = 30_000

PROXY_END_TIMEOUT_S = 1.0

_FAMILIES = {"any": socket.AF_UNSPEC, "inet": socket.AF_INET, "inet6": socket.AF_INET6}


class Pipe(Protocol):
    """What SSH needs of a socket; an SSH channel through a gateway has it as well."""

    def send(self, data: bytes, /) -> int:
        """Send some of `data`, and return how many bytes."""
        ...

    def recv(self, size: int, /) -> bytes:
        """Return up to `size` bytes, or b"" at the end."""
        ...

    def settimeout(self, timeout_s: float | None, /) -> None:
        """Set how long `send` and `recv` wait."""
        ...

    def close(self) -> None:
        """Close both directions."""
        ...


class CountingSocket:
    """A socket that counts what passes, and acknowledges at once what it received.

    Linux takes TCP_QUICKACK back after a while; so it is set again after every read.
    sshd writes small packets and (by Nagle's rule) holds the next one until the last
    is acknowledged: a late acknowledgement would cost up to 40 ms at every step.
    Source: tcp(7).

    Args:
        pipe: The connected socket, or what behaves like one.
        counters: Where to count.
        proxy: The ProxyCommand behind the socket; it ends with it.
    """

    def __init__(
        self, pipe: Pipe, counters: Counters, *, proxy: subprocess.Popen[bytes] | None = None
    ) -> None:
        self._pipe = pipe
        self._proxy = proxy
        self._tcp = pipe if isinstance(pipe, socket.socket) and _is_tcp(pipe) else None
        self._counters = counters
        self._lock = threading.Lock()
        self._spoke_last = False
        self.silence = Silence()
        # paramiko looks at the attribute that Python's own sockets have.
        self._closed = False

    def send(self, data: bytes) -> int:
        """Send some of `data`, and return how many bytes."""
        try:
            sent = self._pipe.send(data)
        except TimeoutError:
            self.silence.nothing_went()
            raise
        with self._lock:
            self._counters.bytes_sent += sent
            self._spoke_last = True
        return sent

    def recv(self, size: int) -> bytes:
        """Return up to `size` bytes, or b"" at the end."""
        # What lies here already came before we spoke, and is no answer.
        was_there = self._spoke_last and _has_data(self._pipe)
        try:
            data = self._pipe.recv(size)
        except TimeoutError:
            self.silence.nothing_came()
            raise
        self.silence.heard()
        if self._tcp is not None and data:
            _acknowledge_at_once(self._tcp)
        with self._lock:
            self._counters.bytes_received += len(data)
            if self._spoke_last and data and not was_there:
                self._counters.turns += 1
                self._spoke_last = False
        return data

    def settimeout(self, timeout_s: float | None) -> None:
        """Set how long `send` and `recv` wait."""
        self._pipe.settimeout(timeout_s)

    def close(self) -> None:
        """Close both directions; a thread that waits in `recv` wakes up."""
        self._closed = True
        if isinstance(self._pipe, socket.socket):
            with contextlib.suppress(OSError):  # not connected any more
                self._pipe.shutdown(socket.SHUT_RDWR)
        # A channel says so to the host before it; that connection may be lost at this moment.
        with contextlib.suppress(OSError, EOFError):
            self._pipe.close()
        if self._proxy is not None:
            _end(self._proxy)


def dial(login: Login, counters: Counters, *, timeout_s: float) -> CountingSocket:
    """Connect to a host directly, or by its ProxyCommand.

    Args:
        login: Where to.
        counters: Counted are one connection and TCP's own round trip.
        timeout_s: Seconds to wait for each of the host's addresses.

    Raises:
        OSError: No connection, or no such host.
    """
    if login.proxy_command:
        pipe, proxy = _start_proxy(login, login.proxy_command)
    else:
        pipe, proxy = _connect(login, timeout_s), None
        _tune(pipe)
    counters.connections += 1
    counters.turns += 1
    return CountingSocket(pipe, counters, proxy=proxy)


def _connect(login: Login, timeout_s: float) -> socket.socket:
    failure: OSError | None = None
    wanted = _FAMILIES[login.address_family]
    for family, kind, protocol, _, address in socket.getaddrinfo(
        login.host, login.port, wanted, socket.SOCK_STREAM
    ):
        pipe = socket.socket(family, kind, protocol)
        try:
            pipe.settimeout(timeout_s)
            pipe.connect(address)
        except OSError as error:
            pipe.close()
            failure = failure or error
        else:
            return pipe
    raise failure or OSError("the name has no address")


def _has_data(pipe: Pipe) -> bool:
    if not isinstance(pipe, socket.socket):
        return False
    poll = select.poll()
    poll.register(pipe, select.POLLIN)
    return bool(poll.poll(0))


def _is_tcp(pipe: socket.socket) -> bool:
    return pipe.family in (socket.AF_INET, socket.AF_INET6)


def _tune(pipe: socket.socket) -> None:
    pipe.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    pipe.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", KEEPALIVE_IDLE_S),
        ("TCP_KEEPINTVL", KEEPALIVE_INTERVAL_S),
        ("TCP_KEEPCNT", KEEPALIVE_PROBES),
        ("TCP_USER_TIMEOUT", USER_TIMEOUT_MS),
    ):
        if hasattr(socket, name):  # macOS has not all of them
            pipe.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    _acknowledge_at_once(pipe)


def _acknowledge_at_once(pipe: socket.socket) -> None:
    if hasattr(socket, "TCP_QUICKACK"):
        with contextlib.suppress(OSError):  # closed in the meantime
            pipe.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


def _start_proxy(login: Login, command: str) -> tuple[socket.socket, subprocess.Popen[bytes]]:
    """Start ssh's ProxyCommand on one end of a socket pair, and return the other.

    Source: ssh_config(5), ProxyCommand and TOKENS.
    """
    tokens = {"h": login.host, "p": str(login.port), "r": login.user, "n": login.name}
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(
            ["/bin/sh", "-c", f"exec {expand_tokens(command, tokens)}"],
            stdin=theirs.fileno(),
            stdout=theirs.fileno(),
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    return ours, process


def _end(process: subprocess.Popen[bytes]) -> None:
    """Wait for a proxy whose socket was closed; one that does not notice is told."""
    for end in (process.terminate, process.kill, process.wait):
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(PROXY_END_TIMEOUT_S)
            return
        end()
