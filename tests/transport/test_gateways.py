from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from provisioning.errors import ConfigurationError, HostKeyError, UnreachableError
from provisioning.hosts.parallel import map_hosts
from provisioning.transport import Address, Connection, HostKeyPolicy, connect
from provisioning.transport.gateways import Gateways
from tests.proxy import Proxy
from tests.transport.sshd import Sshd, free_port


@pytest.fixture
def gateways() -> Iterator[Gateways]:
    gateways = Gateways()
    yield gateways
    gateways.close()


@pytest.fixture
def gateway(start_sshd: Callable[..., Sshd]) -> Sshd:
    return start_sshd()


def behind(sshd: Sshd, gateway: Sshd, *, port: int | None = None, jump: str = "gw") -> Path:
    """Write an ssh_config in which web1 is reached through gw, and trust both."""
    sshd.trust("ed25519")
    with sshd.known_hosts.open("a") as file:
        file.write(f"[127.0.0.1]:{port or gateway.port} {gateway.public_key('ed25519')}\n")
    config = sshd.ssh_config()
    config.write_text(
        f"Host web*\n  ProxyJump {jump}\n  HostName 127.0.0.1\n  Port {sshd.port}\n"
        f"Host gw\n  HostName 127.0.0.1\n  Port {port or gateway.port}\n"
        f"  IdentityFile {gateway.client_key}\n{config.read_text()}"
    )
    return config


def said(connection: Connection, word: str = "here") -> bytes:
    with connection:
        return connection.open(f"echo {word}", sudo=True).receive(30)


def test_a_host_behind_a_gateway_is_reached(sshd: Sshd, gateway: Sshd, gateways: Gateways) -> None:
    config = behind(sshd, gateway)
    assert said(connect(sshd.address, ssh_config=config, gateways=gateways)) == b"here\n"
    assert "Starting session" not in gateway.log


def test_all_hosts_share_one_connection_to_their_gateway(
    sshd: Sshd, gateway: Sshd, gateways: Gateways
) -> None:
    with Proxy("127.0.0.1", gateway.port) as proxy:
        config = behind(sshd, gateway, port=proxy.port)

        def work(name: str) -> bytes:
            return said(connect(Address.parse(name), ssh_config=config, gateways=gateways), name)

        names = [f"web{number}" for number in range(12)]
        outcomes = map_hosts(names, work)
        assert [outcome.result for outcome in outcomes] == [f"{n}\n".encode() for n in names]
        assert proxy.connections == 1


def test_a_gateway_whose_connection_was_lost_is_connected_to_anew(
    sshd: Sshd, gateway: Sshd, gateways: Gateways
) -> None:
    with Proxy("127.0.0.1", gateway.port) as proxy:
        config = behind(sshd, gateway, port=proxy.port)
        with connect(sshd.address, ssh_config=config, gateways=gateways) as connection:
            proxy.cut()
            with pytest.raises(UnreachableError):
                connection.open("true", sudo=True)
        assert said(connect(sshd.address, ssh_config=config, gateways=gateways)) == b"here\n"
        assert proxy.connections == 2


def test_a_chain_of_gateways_is_walked_in_order(
    sshd: Sshd, gateway: Sshd, gateways: Gateways, start_sshd: Callable[..., Sshd]
) -> None:
    second = start_sshd()
    config = behind(sshd, gateway, jump=f"gw,{second.user}@127.0.0.1:{second.port}")
    second.authorized_keys.write_text(sshd.authorized_keys.read_text())
    with sshd.known_hosts.open("a") as file:
        file.write(f"[127.0.0.1]:{second.port} {second.public_key('ed25519')}\n")
    assert said(connect(sshd.address, ssh_config=config, gateways=gateways)) == b"here\n"
    # The second gateway was reached from the first, and the host from the second.
    assert "Accepted publickey" in gateway.log
    assert "Accepted publickey" in second.log


def test_a_gateway_s_unknown_key_is_refused_and_named(
    sshd: Sshd, gateway: Sshd, gateways: Gateways
) -> None:
    config = behind(sshd, gateway)
    sshd.known_hosts.unlink()
    sshd.trust("ed25519")
    with pytest.raises(HostKeyError, match=r"cannot reach web1 .* cannot trust gw ") as error:
        connect(sshd.address, ssh_config=config, gateways=gateways)
    assert "--accept-new-host-keys" in error.value.hint


def test_accept_new_holds_for_gateways_too(sshd: Sshd, gateway: Sshd, gateways: Gateways) -> None:
    config = behind(sshd, gateway)
    sshd.known_hosts.unlink()
    policy = HostKeyPolicy.ACCEPT_NEW
    connect(sshd.address, ssh_config=config, gateways=gateways, policy=policy).close()
    assert len(sshd.known_hosts.read_text().splitlines()) == 2


def test_a_gateway_that_is_down_is_asked_once_for_all_hosts(
    sshd: Sshd, gateway: Sshd, gateways: Gateways
) -> None:
    with Proxy("127.0.0.1", free_port()) as proxy:
        config = behind(sshd, gateway, port=proxy.port)

        def work(name: str) -> Connection:
            return connect(Address.parse(name), ssh_config=config, gateways=gateways)

        outcomes = map_hosts(["web1", "web2", "web3"], work)
        for outcome in outcomes:
            assert isinstance(outcome.error, UnreachableError)
            assert f"cannot reach {outcome.host}" in outcome.error.message
            assert "gw" in outcome.error.message
        assert proxy.connections == 1


def test_a_host_that_its_gateway_cannot_reach_is_told_apart(
    sshd: Sshd, gateway: Sshd, gateways: Gateways
) -> None:
    config = behind(sshd, gateway)
    address = Address("web1", "web1", port=free_port())
    with pytest.raises(UnreachableError, match=r"cannot connect to web1.*the gateway refused"):
        connect(address, ssh_config=config, gateways=gateways)


def test_a_gateway_that_is_its_own_gateway_is_a_mistake(
    sshd: Sshd, gateway: Sshd, gateways: Gateways
) -> None:
    config = behind(sshd, gateway)
    config.write_text(f"Host gw\n  ProxyJump gw2\nHost gw2\n  ProxyJump gw\n{config.read_text()}")
    with pytest.raises(ConfigurationError, match="loop"):
        connect(sshd.address, ssh_config=config, gateways=gateways)


def test_more_hosts_than_may_shake_hands_at_once_get_through(
    sshd: Sshd, gateway: Sshd, gateways: Gateways, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("provisioning.transport.gateways.HANDSHAKES_AT_ONCE", 2)
    config = behind(sshd, gateway)

    def work(number: int) -> bytes:
        connection = connect(sshd.address, ssh_config=config, gateways=gateways)
        if number % 2:  # whoever closes without a login gives the place back as well
            connection.close()
            return b""
        return said(connection)

    outcomes = map_hosts(range(10), work)
    assert [outcome.result for outcome in outcomes] == [b"here\n", b""] * 5


def test_a_proxy_command_leads_to_the_host(sshd: Sshd) -> None:
    sshd.trust("ed25519")
    script = sshd.folder / "pipe.py"
    script.write_text(
        "import os, socket, sys, threading\n"
        "pipe = socket.create_connection((sys.argv[1], int(sys.argv[2])))\n"
        "def up():\n"
        "    while data := os.read(0, 65536): pipe.sendall(data)\n"
        "    pipe.shutdown(socket.SHUT_WR)\n"
        "threading.Thread(target=up, daemon=True).start()\n"
        "while data := pipe.recv(65536): os.write(1, data)\n"
    )
    config = sshd.ssh_config(f"  ProxyCommand python3 {script} %h %p\n")
    connection = connect(sshd.address, ssh_config=config)
    assert said(connection) == b"here\n"
    assert connection.counters.connections == 1


def test_a_proxy_command_that_fails_is_named(sshd: Sshd) -> None:
    config = sshd.ssh_config("  ProxyCommand exit 1\n")
    with pytest.raises(
        UnreachableError, match="its ProxyCommand did not reach an SSH server"
    ) as error:
        connect(sshd.address, ssh_config=config)
    assert "exit 1" in error.value.hint
