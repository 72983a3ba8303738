from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from provisioning.errors import ConfigurationError, UnreachableError
from provisioning.secrets import Secret
from provisioning.transport import AskOnce, Channel, Connection, connect
from tests.proxy import Proxy
from tests.transport.sudoers import PASSWORD, SudoSshd
from tests.umask import usual_umask

# Says who it is and echoes one line: what an agent does, in small.
PROGRAM = "id -u; read line; echo got $line; echo whisper >&2"


@pytest.fixture(scope="module")
def server() -> Iterator[SudoSshd]:
    # Not in pytest's own folder: that is closed to other users.
    with tempfile.TemporaryDirectory(prefix="homeport-sudo-") as folder:
        with usual_umask():
            server = SudoSshd(Path(folder))
        server.start()
        server.trust()
        yield server
        server.stop()


def log_in(server: SudoSshd, user: str, **options: Any) -> Connection:
    return connect(server.login(user), ssh_config=server.ssh_config(), **options)


def talk(channel: Channel, line: bytes = b"hello\n") -> str:
    """Send first, as a session does, and return all that comes."""
    channel.send(line)
    output = b""
    while data := channel.receive(30):
        output += data
    return output.decode()


def test_a_user_without_sudo_password_becomes_root_on_one_channel(server: SudoSshd) -> None:
    with log_in(server, "admin") as connection:
        channel = connection.open(PROGRAM, sudo=True)
        assert talk(channel) == "0\ngot hello\n"
        assert channel.stderr_tail() == "whisper"
        assert channel.exit_status() == 0
        assert connection.counters.channels == 1


def test_becoming_root_without_password_waits_no_oftener_than_a_plain_program(
    server: SudoSshd,
) -> None:
    plain = min(turns_of_a_talk(server, sudo=False) for _ in range(3))
    assert any(turns_of_a_talk(server, sudo=True) <= plain for _ in range(10))


def turns_of_a_talk(server: SudoSshd, *, sudo: bool) -> int:
    """Return how often a program that answers one line is waited for.

    What waits for an answer waits every time; a pause of this machine can only add to that,
    by tearing apart what was sent in one go. So the fewest of some tries are what it costs.
    """
    with Proxy("127.0.0.1", server.port, delay_s=0.02) as proxy:
        server.trust(name=f"[127.0.0.1]:{proxy.port}")
        config = server.ssh_config(port=proxy.port)
        with connect(server.login("admin"), ssh_config=config) as connection:
            channel = connection.open("read line; echo got $line", sudo=sudo)
            assert talk(channel) == "got hello\n"
        return proxy.turns


def test_a_program_that_needs_no_root_runs_as_the_login_user(server: SudoSshd) -> None:
    with log_in(server, "operator") as connection:
        assert talk(connection.open("id -un; read line", sudo=False)) == "operator\n"


def test_a_login_user_who_is_root_under_another_name_needs_no_sudo(server: SudoSshd) -> None:
    with log_in(server, "otherroot") as connection:
        assert talk(connection.open(PROGRAM, sudo=True)).startswith("0\n")


def test_a_sudo_password_at_hand_is_used_on_the_one_channel(server: SudoSshd) -> None:
    with log_in(server, "operator", sudo_password=Secret(PASSWORD)) as connection:
        channel = connection.open(PROGRAM, sudo=True)
        assert talk(channel) == "0\ngot hello\n"
        assert channel.stderr_tail() == "whisper"
        assert connection.counters.channels == 1


def test_a_sudo_password_that_is_not_wanted_is_not_sent(server: SudoSshd) -> None:
    with log_in(server, "admin", sudo_password=Secret(PASSWORD)) as connection:
        assert talk(connection.open(PROGRAM, sudo=True)) == "0\ngot hello\n"


def test_a_password_that_must_be_asked_for_costs_one_channel_more_and_loses_no_byte(
    server: SudoSshd,
) -> None:
    asked: list[str] = []

    def ask() -> Secret:
        asked.append("asked")
        return Secret(PASSWORD)

    once = AskOnce(ask)
    for channels in (2, 1):  # the second host finds the answer at hand
        with log_in(server, "operator", sudo_password=once) as connection:
            channel = connection.open("head -c 200000 | wc -c; id -u", sudo=True)
            channel.send(b"x" * 100_000)
            assert talk(channel, b"y" * 100_000) == "200000\n0\n"
            assert connection.counters.channels == channels
    assert asked == ["asked"]


def test_what_was_sent_before_the_password_was_asked_for_arrives_once(server: SudoSshd) -> None:
    expected = hashlib.sha256(b"ab" * 150_000).hexdigest()
    with log_in(server, "operator", sudo_password=lambda: Secret(PASSWORD)) as connection:
        channel = connection.open("head -c 300000 | sha256sum; echo end", sudo=True)
        assert talk(channel, b"ab" * 150_000) == f"{expected}  -\nend\n"


def test_no_password_is_one_clear_message(server: SudoSshd) -> None:
    with log_in(server, "operator") as connection:
        channel = connection.open(PROGRAM, sudo=True)
        with pytest.raises(
            UnreachableError, match="sudo requires a password, and none was"
        ) as error:
            talk(channel)
    assert "--prompt-for-sudo-password" in error.value.hint


def test_a_wrong_password_is_refused_after_one_try_and_nothing_runs(
    server: SudoSshd, tmp_path: Path
) -> None:
    trace = tmp_path / "ran"
    with (
        log_in(server, "operator", sudo_password=Secret("wrong")) as connection,
        pytest.raises(UnreachableError, match="sudo refused the password; nothing was done"),
    ):
        connection.open(f"touch {trace}", sudo=True)
    assert not trace.exists()


def test_the_password_stands_in_no_error(server: SudoSshd) -> None:
    with (
        log_in(server, "operator", sudo_password=Secret("canary-4711")) as connection,
        pytest.raises(UnreachableError) as error,
    ):
        connection.open(PROGRAM, sudo=True)
    assert "canary-4711" not in f"{error.value}{error.value!r}{error.value.__cause__}"


def test_a_password_of_two_lines_is_refused_before_it_is_sent(server: SudoSshd) -> None:
    with (
        log_in(server, "operator", sudo_password=Secret("two\nlines")) as connection,
        pytest.raises(ConfigurationError, match="more than one line"),
    ):
        connection.open(PROGRAM, sudo=True)


def test_a_lecture_does_not_get_in_the_way(server: SudoSshd) -> None:
    with log_in(server, "lectured", sudo_password=Secret(PASSWORD)) as connection:
        assert talk(connection.open(PROGRAM, sudo=True)) == "0\ngot hello\n"


@pytest.mark.parametrize(("user", "password"), [("ptyuser", None), ("lectured", PASSWORD)])
def test_every_byte_arrives_as_it_was_where_sudo_uses_a_terminal_of_its_own(
    server: SudoSshd, user: str, password: str | None
) -> None:
    everything = bytes(range(256)) * 400
    options = {"sudo_password": Secret(password)} if password else {}
    with log_in(server, user, **options) as connection:
        # It stays until it has been heard, as the agent does: of a program that ends at once,
        # sudo itself may lose the last words (seen with 1.9.13, about one time in five).
        channel = connection.open("head -c 102400; echo; echo done >&2; read heard", sudo=True)
        channel.send(everything)
        output = b""
        while len(output) <= len(everything):
            data = channel.receive(30)
            assert data, "it has ended"
            output += data
        assert output == everything + b"\n"
        channel.send(b"heard\n")
        assert channel.receive(30) == b""
        assert channel.stderr_tail().endswith("done")


def test_what_a_login_shell_prints_is_skipped(server: SudoSshd) -> None:
    with log_in(server, "noisy") as connection:
        channel = connection.open(PROGRAM, sudo=True)
        assert talk(channel) == "0\ngot hello\n"
        assert "mind the gap" in channel.stderr_tail()


@pytest.mark.parametrize(
    ("user", "password", "reason", "hint", "said"),
    [
        (
            "guest",
            PASSWORD,
            "the user is not allowed to use sudo",
            "add the user to the group",
            "guest is not in the sudoers file",
        ),
        (
            "limited",
            PASSWORD,
            "the user is not allowed to use sudo",
            "add the user to the group",
            "user limited is not allowed to execute",
        ),
        (
            "ttyonly",
            None,
            "sudo requires a terminal",
            "Defaults:ttyonly !requiretty",
            "you must have a tty",
        ),
        (
            "ttyonly",
            PASSWORD,
            "sudo requires a terminal",
            "Defaults:ttyonly !requiretty",
            "you must have a tty",
        ),
        ("bare", None, "there is no sudo on the host", "log in as root", "sudo: not found"),
        ("bare", PASSWORD, "there is no sudo on the host", "log in as root", "sudo: not found"),
        ("blocked", None, "sudo did not start the program", "by hand", "currently not available"),
        (
            "blocked",
            PASSWORD,
            "sudo did not start the program",
            "by hand",
            "currently not available",
        ),
    ],
)
def test_each_refusal_says_why_and_what_to_do(
    server: SudoSshd, user: str, password: str | None, reason: str, hint: str, said: str
) -> None:
    options = {"sudo_password": Secret(password)} if password else {}
    with (
        log_in(server, user, **options) as connection,
        pytest.raises(
            UnreachableError, match=f"cannot become root on web1.* as {user}: {reason}"
        ) as error,
    ):
        talk(connection.open(PROGRAM, sudo=True))
    assert hint in error.value.hint
    assert said in error.value.output


def test_a_refusal_by_the_login_shell_shows_its_words(server: SudoSshd) -> None:
    with log_in(server, "blocked") as connection, pytest.raises(UnreachableError) as error:
        talk(connection.open(PROGRAM, sudo=True))
    assert "not available" in error.value.output
