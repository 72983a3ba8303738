from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from provisioning.errors import UnreachableError
from provisioning.hosts.parallel import map_hosts
from provisioning.secrets import Secret
from provisioning.transport import Connection, connect
from provisioning.transport.shared import KEYS
from tests.transport.sshd import Sshd, fingerprint, make_key


@pytest.fixture(autouse=True)
def no_keys_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(KEYS, "_loaded", {})
    monkeypatch.setattr(KEYS, "_listed", {})


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Path]:
    """A running ssh-agent; its socket."""
    socket = tmp_path / "agent.sock"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.DEVNULL)
    while not socket.exists():
        assert process.poll() is None
        time.sleep(0.01)
    yield socket
    process.terminate()
    process.wait(10)


def add(agent: Path, key: Path) -> None:
    environment = {**os.environ, "SSH_AUTH_SOCK": str(agent)}
    subprocess.run(["ssh-add", "-q", str(key)], env=environment, check=True)


def log_in(server: Sshd, *identities: Path, extra: str = "", **options: Any) -> Connection:
    """Connect with these identity files alone."""
    config = server.ssh_config()
    text = config.read_text().replace(f"  IdentityFile {server.client_key}\n", "")
    files = "".join(f"  IdentityFile {path}\n" for path in identities or ["none"])
    agent = "" if "IdentityAgent" in extra else "  IdentityAgent none\n"
    config.write_text(f"Host *\n{files}{agent}{extra}\n{text}")
    if not server.known_hosts.exists():
        server.trust("ed25519")
    connection = connect(server.address, ssh_config=config, **options)
    with connection:
        connection.authenticate()
    return connection


def must_let_in(server: Sshd, by: str, *identities: Path, **options: Any) -> None:
    """See that a login with these identity files succeeds, by the key with a fingerprint."""
    before = len(server.log)
    log_in(server, *identities, **options)
    accepted = [line for line in server.log[before:].splitlines() if "Accepted publickey" in line]
    assert [line.split()[-1] for line in accepted] == [by]


def let_in(server: Sshd, key: Path) -> None:
    with server.authorized_keys.open("a") as file:
        file.write(Path(f"{key}.pub").read_text())


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_keys_of_every_usual_type_are_accepted(sshd: Sshd, tmp_path: Path, kind: str) -> None:
    key = make_key(tmp_path / "key", kind)
    let_in(sshd, key)
    must_let_in(sshd, fingerprint(key), key)


def test_missing_identity_files_are_skipped(sshd: Sshd, tmp_path: Path) -> None:
    must_let_in(sshd, fingerprint(sshd.client_key), tmp_path / "nothing", sshd.client_key)


def test_the_first_keys_may_be_wrong(sshd: Sshd, tmp_path: Path) -> None:
    wrong = [make_key(tmp_path / f"wrong{number}") for number in range(3)]
    must_let_in(sshd, fingerprint(sshd.client_key), *wrong, sshd.client_key)


def test_after_a_wrong_key_a_program_can_be_started(sshd: Sshd, tmp_path: Path) -> None:
    wrong = make_key(tmp_path / "wrong")
    sshd.trust("ed25519")
    config = sshd.ssh_config(f"  IdentityFile {wrong}\n")
    with connect(sshd.address, ssh_config=config) as connection:
        assert connection.open("echo here", sudo=False).receive() == b"here\n"


def test_a_refusal_lists_each_key_with_its_fingerprint(sshd: Sshd, tmp_path: Path) -> None:
    wrong = [make_key(tmp_path / name) for name in ("one", "two")]
    with pytest.raises(UnreachableError) as error:
        log_in(sshd, *wrong)
    assert f"cannot log in to web1 (127.0.0.1:{sshd.port}) as {sshd.user}: it refused 2 keys" in (
        error.value.message
    )
    for path in wrong:
        assert f"{path}: ssh-ed25519 {fingerprint(path)}" in error.value.output
    assert "authorized_keys" in error.value.hint


def test_a_wrong_user_is_named(sshd: Sshd) -> None:
    sshd.trust("ed25519")
    config = sshd.ssh_config("  User nobody-here\n")
    with (
        connect(sshd.address, ssh_config=config) as connection,
        pytest.raises(UnreachableError, match="as nobody-here: it refused 1 key"),
    ):
        connection.open("true", sudo=False)


def test_no_key_at_all_says_so(sshd: Sshd) -> None:
    with pytest.raises(UnreachableError, match="there is no key to try; it accepts publickey"):
        log_in(sshd)


def test_a_host_that_hangs_up_after_too_many_keys_is_explained(
    start_sshd: Callable[..., Sshd], tmp_path: Path
) -> None:
    server = start_sshd(options="MaxAuthTries 2\n")
    wrong = [make_key(tmp_path / f"wrong{number}") for number in range(4)]
    with pytest.raises(
        UnreachableError, match="it refused 1 key and closed the connection"
    ) as error:
        log_in(server, *wrong)
    assert str(wrong[0]) in error.value.output


def test_a_passphrase_is_asked_for_once_per_process(sshd: Sshd, tmp_path: Path) -> None:
    key = make_key(tmp_path / "locked", passphrase="open sesame")
    let_in(sshd, key)
    asked: list[Path] = []

    def ask(path: Path) -> Secret:
        asked.append(path)
        return Secret("open sesame")

    for _ in range(2):
        log_in(sshd, key, ask_passphrase=ask)
    assert asked == [key]


def test_no_passphrase_is_asked_for_while_another_key_fits(sshd: Sshd, tmp_path: Path) -> None:
    key = make_key(tmp_path / "locked", passphrase="open sesame")
    log_in(sshd, key, sshd.client_key, ask_passphrase=lambda path: pytest.fail(f"asked: {path}"))


@pytest.mark.parametrize(
    ("answer", "words"),
    [(None, "needs its passphrase"), (Secret("wrong"), "cannot be decrypted with that passphrase")],
)
def test_a_locked_key_that_stays_locked_is_mentioned(
    sshd: Sshd, tmp_path: Path, answer: Secret | None, words: str
) -> None:
    key = make_key(tmp_path / "locked", passphrase="open sesame")
    with pytest.raises(UnreachableError) as error:
        log_in(sshd, key, ask_passphrase=lambda path: answer)
    assert f"{key} {words}" in error.value.output


def test_a_file_that_is_no_key_is_mentioned_and_skipped(sshd: Sshd, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_text("nothing")
    log_in(sshd, broken, sshd.client_key)
    with pytest.raises(UnreachableError) as error:
        log_in(sshd, broken)
    assert f"{broken} is in a format that Homeport cannot read" in error.value.output


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
def test_a_key_in_the_agent_is_used(sshd: Sshd, tmp_path: Path, agent: Path, kind: str) -> None:
    key = make_key(tmp_path / "key", kind)
    let_in(sshd, key)
    add(agent, key)
    by = fingerprint(key)
    key.unlink()
    Path(f"{key}.pub").unlink()
    must_let_in(sshd, by, extra=f"  IdentityAgent {agent}\n")


def test_the_agent_of_the_environment_is_used(
    sshd: Sshd, agent: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(agent, sshd.client_key)
    monkeypatch.setenv("SSH_AUTH_SOCK", str(agent))
    must_let_in(sshd, fingerprint(sshd.client_key), extra="  IdentityAgent SSH_AUTH_SOCK\n")


def test_an_encrypted_identity_that_the_agent_holds_needs_no_passphrase(
    sshd: Sshd, tmp_path: Path, agent: Path
) -> None:
    key = make_key(tmp_path / "key")
    let_in(sshd, key)
    add(agent, key)
    subprocess.run(
        ["ssh-keygen", "-q", "-p", "-P", "", "-N", "open sesame", "-f", key],
        check=True,
        capture_output=True,
    )
    Path(f"{key}.pub").unlink()  # the public half stands in the private file as well
    log_in(
        sshd,
        key,
        extra=f"  IdentityAgent {agent}\n  IdentitiesOnly yes\n",
        ask_passphrase=lambda path: pytest.fail(f"asked: {path}"),
    )


def test_with_identities_only_other_keys_of_the_agent_are_left_alone(
    sshd: Sshd, tmp_path: Path, agent: Path
) -> None:
    add(agent, sshd.client_key)
    wrong = make_key(tmp_path / "wrong")
    with pytest.raises(UnreachableError, match="it refused 1 key;"):
        log_in(sshd, wrong, extra=f"  IdentityAgent {agent}\n  IdentitiesOnly yes\n")


def test_a_public_identity_file_picks_the_agent_s_key(
    sshd: Sshd, tmp_path: Path, agent: Path
) -> None:
    for name in ("a", "b", "c"):
        add(agent, make_key(tmp_path / name))
    key = make_key(tmp_path / "right")
    let_in(sshd, key)
    add(agent, key)
    before = len(sshd.log)
    extra = f"  IdentityAgent {agent}\n  IdentitiesOnly yes\n"
    log_in(sshd, Path(f"{key}.pub"), extra=extra)
    assert "Failed publickey" not in sshd.log[before:]


def test_the_agent_s_keys_that_are_configured_come_first(
    sshd: Sshd, tmp_path: Path, agent: Path
) -> None:
    for name in ("a", "b", "c"):
        add(agent, make_key(tmp_path / name))
    add(agent, sshd.client_key)
    before = len(sshd.log)
    log_in(sshd, sshd.client_key, extra=f"  IdentityAgent {agent}\n")
    assert "Failed publickey" not in sshd.log[before:]


def test_an_agent_that_is_gone_does_not_matter(sshd: Sshd, tmp_path: Path) -> None:
    extra = f"  IdentityAgent {tmp_path}/gone.sock\n"
    must_let_in(sshd, fingerprint(sshd.client_key), sshd.client_key, extra=extra)


def test_an_agent_that_refuses_to_sign_is_mentioned(
    sshd: Sshd, tmp_path: Path, agent: Path
) -> None:
    key = make_key(tmp_path / "key")
    let_in(sshd, key)
    add(agent, key)
    # Listed, and then taken away: the agent refuses.
    KEYS._identities(str(agent), [])
    environment = {**os.environ, "SSH_AUTH_SOCK": str(agent)}
    subprocess.run(["ssh-add", "-q", "-D"], env=environment, check=True)
    with pytest.raises(UnreachableError) as error:
        log_in(sshd, extra=f"  IdentityAgent {agent}\n")
    assert "no key could be used" in error.value.message
    assert f"the ssh-agent at {agent} refused" in error.value.output


def test_many_threads_may_use_the_agent_at_once(sshd: Sshd, agent: Path) -> None:
    add(agent, sshd.client_key)
    extra = f"  IdentityAgent {agent}\n"
    log_in(sshd, extra=extra)
    config = sshd.folder / "ssh_config"

    def work(number: int) -> bytes:
        with connect(sshd.address, ssh_config=config) as connection:
            return connection.open(f"echo {number}", sudo=False).receive()

    outcomes = map_hosts(range(6), work)
    assert [outcome.result for outcome in outcomes] == [b"%d\n" % n for n in range(6)]
