"""The door of a build: connections to hosts that are allowed, by real sockets."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from provisioning.agent.builds import proxy
from provisioning.agent.builds.door import INSIDE, MOST_NAMES_BYTES, PROXY, refused_names
from provisioning.agent.builds.proxy import read_head, wanted
from provisioning.agent.machine import child

pytestmark = pytest.mark.timeout(60)


class Upstream:
    """A host that answers each connection with what it was sent, in upper case."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=200)
        self.port = self._listener.getsockname()[1]
        self.name = f"127.0.0.1:{self.port}"
        self.connections = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                threading.Thread(target=self._attend, args=(connection,), daemon=True).start()

    def _attend(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            while data := connection.recv(1 << 16):
                connection.sendall(data.upper())

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    made = Upstream()
    yield made
    made.close()


class Door:
    """The proxy as a build has it: a program of its own that listens on a path."""

    def __init__(self, path: Path, allowed: list[str]) -> None:
        self._path = str(path)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(self._path)
            listener.listen(200)
            self.process = subprocess.Popen(
                child.command((INSIDE, PROXY), str(listener.fileno()), json.dumps(allowed)),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=[listener.fileno()],
                cwd="/", env={"LC_ALL": "C.UTF-8"},
            )  # fmt: skip

    def connect(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(20)
        connection.connect(self._path)
        return connection

    def ask(self, data: bytes) -> bytes:
        """Send something and return all that comes back until the end."""
        with self.connect() as connection:
            connection.sendall(data)
            return _all(connection)

    def close(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        assert self.process.wait(20) == 0
        self.process.stdout.close()


def _all(connection: socket.socket) -> bytes:
    found = b""
    with contextlib.suppress(ConnectionResetError):
        while part := connection.recv(1 << 16):
            found += part
    return found


def _exactly(connection: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        part = connection.recv(size - len(found))
        assert part, found
        found += part
    return found


CONNECTED = b"HTTP/1.1 200 Connected\r\n\r\n"


def _tunnel(door: Door, name: str, behind: bytes = b"") -> socket.socket:
    connection = door.connect()
    connection.sendall(f"CONNECT {name} HTTP/1.1\r\nHost: {name}\r\n\r\n".encode() + behind)
    assert _exactly(connection, len(CONNECTED)) == CONNECTED
    return connection


@pytest.fixture
def opened(tmp_path: Path, upstream: Upstream) -> Iterator[Door]:
    made = Door(tmp_path / "proxy.sock", [upstream.name, "localhost:1", "127.0.0.1:1"])
    yield made
    made.close()


def test_a_host_that_is_allowed_is_connected_to(opened: Door, upstream: Upstream) -> None:
    with _tunnel(opened, upstream.name, behind=b"at once ") as connection:
        assert _exactly(connection, 8) == b"AT ONCE "
        connection.sendall(b"later")
        assert _exactly(connection, 5) == b"LATER"
    assert refused_names(opened.process) == []


def test_much_passes_in_both_directions(opened: Door, upstream: Upstream) -> None:
    data = os.urandom(1 << 14).hex().encode() * 200
    with _tunnel(opened, upstream.name) as connection:
        sender = threading.Thread(target=connection.sendall, args=(data,))
        sender.start()
        found = _exactly(connection, len(data))
        sender.join()
    assert found == data.upper()


@pytest.mark.parametrize(
    "name", ["example.com:443", "127.0.0.1:2", "localhost:2", "[::1]:443", "127.0.0.2:1"]
)
def test_another_host_or_port_is_refused_and_told(
    opened: Door, upstream: Upstream, name: str
) -> None:
    answer = opened.ask(f"CONNECT {name} HTTP/1.1\r\n\r\n".encode())
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 403 Forbidden\r\n")
    assert body == f"a build may not connect to {name}".encode()
    assert f"Content-Length: {len(body)}".encode() in head
    assert upstream.connections == 0
    assert refused_names(opened.process) == [name]


def test_a_host_that_does_not_answer_is_said_to(opened: Door) -> None:
    answer = opened.ask(b"CONNECT 127.0.0.1:1 HTTP/1.1\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
    assert b"cannot reach 127.0.0.1:1" in answer
    assert refused_names(opened.process) == []


def test_names_are_compared_in_small_letters(opened: Door) -> None:
    assert b" 502 " in opened.ask(b"CONNECT LocalHost:1 HTTP/1.1\r\n\r\n")
    opened.ask(b"CONNECT Example.COM:443 HTTP/1.1\r\n\r\n")
    opened.ask(b"CONNECT example.com:443 HTTP/1.1\r\n\r\n")
    opened.ask(b"GET http://EXAMPLE.com/ HTTP/1.1\r\n\r\n")
    assert refused_names(opened.process) == ["example.com:443", "example.com:80"]


def test_refused_names_are_told_once_and_not_without_end(opened: Door) -> None:
    long = "n" * 200
    for number in (*range(proxy.REFUSED_NAMES + 30), 0, 1, 2):
        assert b" 403 " in opened.ask(f"CONNECT {long}{number}:1 HTTP/1.1\r\n\r\n".encode())
    told = refused_names(opened.process)
    assert told == [f"{long}{number}:1" for number in range(proxy.REFUSED_NAMES)]
    assert sum(map(len, told)) < MOST_NAMES_BYTES


def test_names_longer_than_any_host_has_are_neither_told_nor_in_the_way(
    opened: Door, upstream: Upstream
) -> None:
    """What is told goes through a pipe that holds 64 kB, and is read when the build has ended."""
    for number in range(8):
        opened.ask(b"CONNECT " + b"%d" % number + b"n" * 60_000 + b":1 HTTP/1.1\r\n\r\n")
    assert refused_names(opened.process) == []
    with _tunnel(opened, upstream.name, b"x") as connection:
        assert _exactly(connection, 1) == b"X"


def test_a_request_with_the_whole_address_is_passed_on_as_the_host_expects_it(
    opened: Door, upstream: Upstream
) -> None:
    fields = f"Host: {upstream.name}\r\nProxy-Connection: Keep-Alive\r\nConnection: x\r\nA: b\r\n"
    with opened.connect() as connection:
        connection.sendall(
            f"POST http://{upstream.name}/simple/?q=1 HTTP/1.1\r\n{fields}\r\nbody".encode()
        )
        expected = (
            f"POST /simple/?q=1 HTTP/1.1\r\nConnection: close\r\nHost: {upstream.name}\r\n"
            "A: b\r\n\r\nbody"
        ).upper()
        assert _exactly(connection, len(expected)).decode() == expected


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET https://127.0.0.1/ HTTP/1.1\r\n\r\n",
        b"CONNECT 127.0.0.1 HTTP/1.1\r\n\r\n",
        b"CONNECT user@127.0.0.1:1 HTTP/1.1\r\n\r\n",
        b"CONNECT 127.0.0.1:1/x HTTP/1.1\r\n\r\n",
        b"CONNECT 127.0.0.1:123456 HTTP/1.1\r\n\r\n",
        b"CONNECT 127.0.0.1:1 HTTP/2\r\n\r\n",
        b" CONNECT 127.0.0.1:1 HTTP/1.1\r\n\r\n",
        b"CONNECT 127.0.0.1:1 HTTP/1.1\n\n\r\n\r\n",
        b"CONNECT \xff:1 HTTP/1.1\r\n\r\n",
        b"\x05\x01\x00\r\n\r\n",
        b"\r\n\r\n",
        b"x" * (proxy.HEAD_BYTES + 10_000),
        b"CONNECT 127.0.0.1:1 HTTP/1.1\r\n" + b"A: b\r\n" * 20_000,
    ],
    ids=lambda data: repr(data[:30]),
)
def test_what_is_no_request_of_a_proxys_is_hung_up_on(
    opened: Door, upstream: Upstream, data: bytes
) -> None:
    with opened.connect() as connection:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(data)
        assert _all(connection) == b""
    # And the next one is served.
    with _tunnel(opened, upstream.name, b"x") as connection:
        assert _exactly(connection, 1) == b"X"


def test_those_who_leave_amid_their_head_are_no_trouble(opened: Door, upstream: Upstream) -> None:
    for _ in range(proxy.CONNECTIONS + 5):
        with opened.connect() as connection:
            connection.sendall(b"CONNECT 127")
    with _tunnel(opened, upstream.name, b"x") as connection:
        assert _exactly(connection, 1) == b"X"


def test_more_connections_than_there_is_room_for_wait_until_others_end(
    opened: Door, upstream: Upstream
) -> None:
    held = [_tunnel(opened, upstream.name) for _ in range(proxy.CONNECTIONS)]
    with opened.connect() as waiting:
        waiting.sendall(f"CONNECT {upstream.name} HTTP/1.1\r\n\r\n".encode())
        waiting.settimeout(0.3)
        with pytest.raises(TimeoutError):
            waiting.recv(1)
        held.pop().close()
        waiting.settimeout(20)
        assert _exactly(waiting, len(CONNECTED)) == CONNECTED
        # Its host has taken it, and counted it, when it answers.
        waiting.sendall(b"x")
        assert _exactly(waiting, 1) == b"X"
    for each in held:
        each.close()
    assert upstream.connections == proxy.CONNECTIONS + 1


def test_many_connections_one_after_the_other_use_nothing_up(
    opened: Door, upstream: Upstream
) -> None:
    descriptors = Path(f"/proc/{opened.process.pid}/fd")
    before = len(list(descriptors.iterdir()))
    for number in range(3 * proxy.CONNECTIONS):
        with _tunnel(opened, upstream.name, b"%d" % number) as connection:
            assert _exactly(connection, len(str(number))) == str(number).encode()
    deadline = time.monotonic() + 20
    while len(list(descriptors.iterdir())) > before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(list(descriptors.iterdir())) <= before


def test_it_ends_with_whoever_started_it(tmp_path: Path, upstream: Upstream) -> None:
    door = Door(tmp_path / "proxy.sock", [upstream.name])
    with _tunnel(door, upstream.name) as connection:
        door.close()
        assert _all(connection) == b""


# The pieces


@pytest.mark.parametrize("late", [lambda _: None, lambda sender: sender.sendall(b"x")])
def test_a_head_that_does_not_come_in_time_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, late: Callable[[socket.socket], object]
) -> None:
    monkeypatch.setattr(proxy, "HEAD_S", 0.5)
    sender, receiver = socket.socketpair()
    ended = threading.Event()

    def send() -> None:
        while not ended.wait(0.05):
            late(sender)

    thread = threading.Thread(target=send)
    thread.start()
    try:
        with pytest.raises((ValueError, TimeoutError)):
            read_head(receiver)
    finally:
        ended.set()
        thread.join()
        sender.close()
        receiver.close()


def test_a_head_may_come_in_pieces_and_with_something_behind_it() -> None:
    sender, receiver = socket.socketpair()
    with sender, receiver:
        sender.sendall(b"CONNECT a:1 HTTP/1.1\r")
        threading.Timer(0.1, sender.sendall, [b"\n\r\nbehind"]).start()
        assert read_head(receiver) == (b"CONNECT a:1 HTTP/1.1\r\n\r\n", b"behind")


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"CONNECT A.example:443 HTTP/1.1\r\nX: y\r\n\r\n", ("a.example", 443, b"")),
        (b"CONNECT [2001:DB8::1]:8443 HTTP/1.0\r\n\r\n", ("[2001:db8::1]", 8443, b"")),
        (b"GET http://a.example HTTP/1.1\r\n\r\n",
         ("a.example", 80, b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")),
        (b"HEAD http://a.example:8080/x?y=%20 HTTP/1.0\r\nconnection: a\r\nB: c\r\n\r\n",
         ("a.example", 8080, b"HEAD /x?y=%20 HTTP/1.0\r\nConnection: close\r\nB: c\r\n\r\n")),
    ],
)  # fmt: skip
def test_what_is_wanted_is_read_from_the_first_line(
    head: bytes, expected: tuple[str, int, bytes]
) -> None:
    assert wanted(head) == expected
