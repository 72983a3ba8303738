"""Logins that OpenSSH on a test machine cannot offer, and servers that are no OpenSSH."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import paramiko
import pytest

from provisioning.errors import UnreachableError
from provisioning.secrets import Secret
from provisioning.transport import Address, Connection, connect
from tests.transport.sshd import make_key

PASSWORD = "correct horse"


class Rules(paramiko.ServerInterface):
    """What one server lets in, and what it does with a program: it echoes its command."""

    def __init__(self, methods: str, second: str = "") -> None:
        self.methods = methods
        self.second = second
        self.passed_first = False
        self.log: list[str] = []

    def get_allowed_auths(self, username: str) -> str:
        return self.second if self.passed_first else self.methods

    def check_auth_none(self, username: str) -> int:
        self.log.append("none")
        return paramiko.AUTH_SUCCESSFUL if "none" in self.methods else paramiko.AUTH_FAILED

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        self.log.append("publickey")
        if "publickey" not in self.methods:
            return paramiko.AUTH_FAILED
        self.passed_first = True
        return paramiko.AUTH_PARTIALLY_SUCCESSFUL if self.second else paramiko.AUTH_SUCCESSFUL

    def check_auth_password(self, username: str, password: str) -> int:
        self.log.append("password")
        right = "password" in self.get_allowed_auths(username) and password == PASSWORD
        return paramiko.AUTH_SUCCESSFUL if right else paramiko.AUTH_FAILED

    def check_auth_interactive(self, username: str, submethods: str) -> object:
        self.log.append("keyboard-interactive")
        return paramiko.InteractiveQuery("", "", "Password: ")

    def check_auth_interactive_response(self, responses: list[str]) -> int:
        right = list(responses) == [PASSWORD]
        return paramiko.AUTH_SUCCESSFUL if right else paramiko.AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        def run() -> None:
            channel.sendall(b"ran " + command)
            channel.send_exit_status(4)
            channel.shutdown_write()
            channel.close()

        # After the request was granted, which happens once this has returned.
        timer = threading.Timer(0.1, run)
        timer.daemon = True
        timer.start()
        return True


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Connection]]:
    """Serve by some rules, and connect."""
    made: list[paramiko.Transport | Connection | socket.socket] = []
    host_key = make_key(tmp_path / "host_key")
    client_key = make_key(tmp_path / "client_key")

    def start(rules: Rules, *, keys: int = 1, **options: object) -> Connection:
        listener = socket.create_server(("127.0.0.1", 0))
        made.append(listener)
        port = listener.getsockname()[1]

        def run() -> None:
            pipe, _ = listener.accept()
            transport = paramiko.Transport(pipe)
            made.append(transport)
            transport.add_server_key(paramiko.Ed25519Key.from_private_key_file(str(host_key)))
            transport.start_server(event=threading.Event(), server=rules)

        threading.Thread(target=run, daemon=True).start()
        (tmp_path / "known_hosts").write_text(
            f"[127.0.0.1]:{port} {Path(f'{host_key}.pub').read_text()}"
        )
        config = tmp_path / "ssh_config"
        config.write_text(
            "IdentityAgent none\n"
            f"IdentityFile {client_key if keys else 'none'}\n"
            f"UserKnownHostsFile {tmp_path}/known_hosts\n"
        )
        address = Address("web1", "127.0.0.1", user="admin", port=port)
        connection = connect(address, ssh_config=config, **options)
        made.append(connection)
        return connection

    yield start
    for one in reversed(made):
        one.close()


def test_a_server_that_is_no_openssh_is_asked_step_by_step(
    serve: Callable[..., Connection],
) -> None:
    connection = serve(Rules("publickey"))
    assert connection._transport.remote_version.startswith("SSH-2.0-paramiko")
    channel = connection.open("hello", sudo=False)
    assert channel.receive(30) == b"ran exec sh -c hello"
    assert channel.receive(30) == b""
    assert channel.exit_status() == 4


def test_a_host_that_asks_for_nothing_lets_in(serve: Callable[..., Connection]) -> None:
    channel = serve(Rules("none"), keys=0).open("hello", sudo=False)
    assert channel.receive(30) == b"ran exec sh -c hello"


@pytest.mark.parametrize("method", ["password", "keyboard-interactive"])
def test_a_login_password_is_tried_when_no_key_fits(
    serve: Callable[..., Connection], method: str
) -> None:
    rules = Rules(method)
    serve(rules, login_password=Secret(PASSWORD)).authenticate()
    assert rules.log == ["publickey", "none", method]


@pytest.mark.parametrize("method", ["password", "keyboard-interactive"])
def test_a_wrong_login_password_is_mentioned_and_not_shown(
    serve: Callable[..., Connection], method: str
) -> None:
    with pytest.raises(UnreachableError, match=f"it accepts {method}") as error:
        serve(Rules(method), login_password=Secret("canary-4711")).authenticate()
    assert "the login password was refused" in error.value.output
    assert "canary-4711" not in str(error.value)


def test_a_host_that_takes_a_password_only_says_so(serve: Callable[..., Connection]) -> None:
    with pytest.raises(UnreachableError, match="it refused 1 key; it accepts password"):
        serve(Rules("password")).authenticate()


def test_a_password_besides_the_key_is_given(serve: Callable[..., Connection]) -> None:
    rules = Rules("publickey", second="password")
    serve(rules, login_password=Secret(PASSWORD)).authenticate()
    assert rules.log[0] == "publickey"
    assert rules.log[-1] == "password"


def test_a_second_factor_that_we_cannot_give_is_named(serve: Callable[..., Connection]) -> None:
    with pytest.raises(UnreachableError) as error:
        serve(Rules("publickey", second="keyboard-interactive")).authenticate()
    assert "also requires keyboard-interactive" in error.value.output
