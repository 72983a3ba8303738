"""A peer from which nothing comes any more: given up; one that is only quiet: not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from provisioning.errors import ConnectionLostError, SilentHostError
from provisioning.transport import Connection, connect
from provisioning.transport.gateways import Gateways
from provisioning.transport.ssh import keepalive
from provisioning.transport.ssh.keepalive import Silence, SilentPeerError
from tests.proxy import Proxy
from tests.transport.sshd import Sshd

PATIENCE_S = 60


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keepalive, "ASK_EVERY_TICKS", 1)
    monkeypatch.setattr(keepalive, "GONE_AFTER_TICKS", 4)


def _trust(sshd: Sshd, proxy: Proxy) -> None:
    sshd.trust("ed25519", name=f"[127.0.0.1]:{proxy.port}")


def _through(proxy: Proxy, sshd: Sshd) -> Connection:
    _trust(sshd, proxy)
    return connect(sshd.address, ssh_config=sshd.ssh_config(port=proxy.port))


@pytest.mark.parametrize("doing", ["waiting", "sending"])
def test_a_host_that_goes_silent_is_given_up(sshd: Sshd, doing: str) -> None:
    with Proxy("127.0.0.1", sshd.port) as proxy, _through(proxy, sshd) as connection:
        channel = connection.open("echo ready; cat", sudo=True)
        assert channel.receive(PATIENCE_S) == b"ready\n"
        proxy.swallow()
        with pytest.raises(SilentHostError, match="lost contact with web1") as error:
            if doing == "waiting":
                channel.receive(PATIENCE_S)
            else:
                # More than any window: until the other side makes room, nothing goes.
                channel.send(b"x" * 20_000_000)
        assert "nothing came from it for 4 s" in error.value.message
        assert error.value.exit_code == 3
        assert "run the same command" in error.value.hint


def test_a_host_that_is_only_quiet_is_kept(sshd: Sshd) -> None:
    with Proxy("127.0.0.1", sshd.port) as proxy, _through(proxy, sshd) as connection:
        channel = connection.open("read x; echo $x", sudo=True)
        signs = proxy.bytes_down
        with pytest.raises(TimeoutError):
            channel.receive(8)
        assert proxy.bytes_down > signs
        channel.send(b"late\n")
        assert channel.receive(PATIENCE_S) == b"late\n"


def test_a_connection_that_was_cut_is_no_silent_one(sshd: Sshd) -> None:
    with Proxy("127.0.0.1", sshd.port) as proxy, _through(proxy, sshd) as connection:
        channel = connection.open("echo ready; cat", sudo=True)
        assert channel.receive(PATIENCE_S) == b"ready\n"
        proxy.cut()
        with pytest.raises(ConnectionLostError) as error:
            channel.receive(PATIENCE_S)
        assert not isinstance(error.value, SilentHostError)


def test_a_host_behind_a_gateway_is_given_up_too(
    sshd: Sshd, start_sshd: Callable[..., Sshd]
) -> None:
    """TCP sees the gateway only, which lives."""
    gateway, gateways = start_sshd(), Gateways()
    with Proxy("127.0.0.1", sshd.port) as proxy:
        _trust(sshd, proxy)
        with sshd.known_hosts.open("a") as file:
            file.write(f"[127.0.0.1]:{gateway.port} {gateway.public_key('ed25519')}\n")
        config = sshd.ssh_config(port=proxy.port)
        config.write_text(
            f"Host web1\n  ProxyJump gw\nHost gw\n  HostName 127.0.0.1\n  Port {gateway.port}\n"
            f"  IdentityFile {gateway.client_key}\n{config.read_text()}"
        )
        with connect(sshd.address, ssh_config=config, gateways=gateways) as connection:
            channel = connection.open("echo ready; cat", sudo=True)
            assert channel.receive(PATIENCE_S) == b"ready\n"
            proxy.swallow()
            with pytest.raises(SilentHostError):
                channel.receive(PATIENCE_S)
    gateways.close()


def test_nobody_is_given_up_before_the_login() -> None:
    counting = Silence()
    for _ in range(100):
        counting.nothing_came()
        counting.nothing_went()
    assert not counting.suspicious


def test_who_speaks_is_forgiven() -> None:
    asked: list[int] = []
    counting = Silence()
    counting.watch(lambda: asked.append(1))
    for _ in range(3):
        for _ in range(3):
            counting.nothing_came()
            counting.nothing_went()
        assert counting.suspicious
        counting.heard()
        assert not counting.suspicious
    assert asked
    with pytest.raises(SilentPeerError):
        for _ in range(4):
            counting.nothing_went()
