from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from provisioning.transport import Counters, Login, connect
from provisioning.transport.ssh.sockets import CountingSocket, dial
from tests.transport.sshd import Sshd


@pytest.fixture
def dialled() -> Iterator[tuple[CountingSocket, socket.socket, Counters]]:
    """Our end, the host's end, and what is counted."""
    counters = Counters()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        login = Login("web1", "127.0.0.1", listener.getsockname()[1], "root")
        ours = dial(login, counters, timeout_s=5)
        theirs, _ = listener.accept()
        with theirs:
            yield ours, theirs, counters
            ours.close()


def test_small_packets_leave_at_once_and_a_dead_peer_is_noticed(dialled) -> None:
    pipe = dialled[0]._pipe
    options = {
        name: pipe.getsockopt(socket.IPPROTO_TCP, getattr(socket, name))
        for name in (
            "TCP_NODELAY", "TCP_QUICKACK", "TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT",
            "TCP_USER_TIMEOUT",
        )
    }  # fmt: skip
    assert options.pop("TCP_NODELAY")
    assert options.pop("TCP_QUICKACK")
    assert options == {
        "TCP_KEEPIDLE": 15,
        "TCP_KEEPINTVL": 5,
        "TCP_KEEPCNT": 3,
        "TCP_USER_TIMEOUT": 30_000,
    }
    assert pipe.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)


def test_a_turn_is_counted_when_an_answer_comes(dialled) -> None:
    ours, theirs, counters = dialled
    assert counters == Counters(connections=1, turns=1)
    for _ in range(3):
        ours.send(b"ab")
        ours.send(b"cd")
        theirs.recv(2)
        # The answer arrives while we wait for it.
        timer = threading.Timer(0.05, theirs.sendall, [b"answer"])
        timer.start()
        assert ours.recv(3) == b"ans"
        assert ours.recv(3) == b"wer"
        timer.join()
    assert counters == Counters(connections=1, bytes_sent=12, bytes_received=18, turns=4)


def test_what_came_before_we_spoke_is_no_answer(dialled) -> None:
    ours, theirs, counters = dialled
    theirs.sendall(b"early")
    ours._pipe.settimeout(5)
    assert ours.recv(1) == b"e"
    ours.send(b"x")
    assert ours.recv(4) == b"arly"
    assert counters.turns == 1


def test_closing_wakes_whoever_waits(dialled) -> None:
    ours, _, _ = dialled
    ours.settimeout(30)
    heard: list[bytes | str] = []

    def wait() -> None:
        try:
            heard.append(ours.recv(1))
        except OSError:
            heard.append("closed")

    thread = threading.Thread(target=wait)
    thread.start()
    ours.close()
    thread.join(60)
    assert heard in ([b""], ["closed"])


def test_counters_of_many_hosts_add_up() -> None:
    total = sum((Counters(1, 2, 3, 4, 5) for _ in range(3)), Counters())
    assert total == Counters(3, 6, 9, 12, 15)


def test_the_quick_cipher_is_agreed_on(sshd: Sshd) -> None:
    sshd.trust("ed25519")
    with connect(sshd.address, ssh_config=sshd.ssh_config()) as connection:
        assert connection._transport.local_cipher == "aes128-gcm@openssh.com"
        assert connection._transport.remote_cipher == "aes128-gcm@openssh.com"


def test_closing_what_is_lost_already_is_no_failure() -> None:
    class Lost:
        """A channel through a gateway whose connection broke at this moment."""

        def send(self, data: bytes, /) -> int:
            raise EOFError

        def recv(self, size: int, /) -> bytes:
            raise EOFError

        def settimeout(self, timeout_s: float | None, /) -> None:
            """It waits for nothing."""

        def close(self) -> None:
            raise EOFError

    ours = CountingSocket(Lost(), Counters())
    ours.close()
    assert ours._closed
