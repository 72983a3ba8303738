from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from provisioning.errors import HostKeyError
from provisioning.transport import HostKeyPolicy, connect
from tests.transport.sshd import Sshd, fingerprint, make_key


def log_in(server: Sshd, policy: HostKeyPolicy = HostKeyPolicy.STRICT, extra: str = "") -> None:
    with connect(server.address, ssh_config=server.ssh_config(extra), policy=policy) as connection:
        connection.authenticate()


def must_be_trusted(server: Sshd, extra: str = "") -> None:
    """See that the login succeeds under the strict policy, and that nothing is recorded for it."""
    known = server.known_hosts.read_bytes() if server.known_hosts.exists() else None
    before = len(server.log)
    log_in(server, extra=extra)
    assert "Accepted publickey" in server.log[before:]
    assert known == (server.known_hosts.read_bytes() if server.known_hosts.exists() else None)


def test_a_host_that_known_hosts_knows_is_trusted(sshd: Sshd) -> None:
    sshd.trust("ed25519")
    before = sshd.known_hosts.read_bytes()
    must_be_trusted(sshd)
    log_in(sshd, HostKeyPolicy.ACCEPT_NEW)
    assert sshd.known_hosts.read_bytes() == before


def test_an_unknown_host_is_refused_with_its_fingerprint_and_what_to_do(sshd: Sshd) -> None:
    with pytest.raises(HostKeyError, match=r"cannot trust web1 .* is not in") as error:
        log_in(sshd)
    assert f"ssh-ed25519 {fingerprint(sshd.host_keys['ed25519'])}" in error.value.message
    assert "--accept-new-host-keys" in error.value.hint
    assert error.value.exit_code == 3
    assert not sshd.known_hosts.exists()


def test_no_login_is_tried_at_a_host_that_is_not_trusted(sshd: Sshd) -> None:
    before = len(sshd.log)
    with pytest.raises(HostKeyError):
        log_in(sshd)
    assert "publickey" not in sshd.log[before:]


def test_accept_new_records_the_key_and_strict_trusts_it_then(sshd: Sshd) -> None:
    log_in(sshd, HostKeyPolicy.ACCEPT_NEW)
    name = f"[127.0.0.1]:{sshd.port}"
    assert sshd.known_hosts.read_text() == f"{name} {sshd.public_key('ed25519')}\n"
    assert sshd.known_hosts.stat().st_mode & 0o777 == 0o600
    log_in(sshd)


def test_accept_new_only_appends(sshd: Sshd) -> None:
    before = "# mine\n@cert-authority *.x ssh-rsa AAAA\n|1|odd\nweb9 ssh-ed25519 AAAA"
    sshd.known_hosts.write_text(before)  # and no newline at the end
    log_in(sshd, HostKeyPolicy.ACCEPT_NEW)
    after = sshd.known_hosts.read_text()
    assert after.startswith(f"{before}\n[127.0.0.1]:")
    log_in(sshd)


def test_accept_new_hashes_the_name_if_ssh_would(sshd: Sshd) -> None:
    log_in(sshd, HostKeyPolicy.ACCEPT_NEW, "HashKnownHosts yes")
    assert sshd.known_hosts.read_text().startswith("|1|")
    log_in(sshd)


def test_accept_new_makes_the_folder_that_is_missing(sshd: Sshd, tmp_path: Path) -> None:
    path = tmp_path / "new" / "known_hosts"
    log_in(sshd, HostKeyPolicy.ACCEPT_NEW, f"UserKnownHostsFile {path}")
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert len(path.read_text().splitlines()) == 1


def test_many_connections_at_once_record_a_new_host_once(sshd: Sshd) -> None:
    config = sshd.ssh_config()
    failures: list[BaseException] = []

    def run() -> None:
        try:
            connect(sshd.address, ssh_config=config, policy=HostKeyPolicy.ACCEPT_NEW).close()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(sshd.known_hosts.read_text().splitlines()) == 1


@pytest.mark.parametrize("policy", list(HostKeyPolicy))
def test_a_changed_key_is_refused_under_every_policy(
    sshd: Sshd, tmp_path: Path, policy: HostKeyPolicy
) -> None:
    other = make_key(tmp_path / "other")
    line = f"[127.0.0.1]:{sshd.port} {Path(f'{other}.pub').read_text()}"
    sshd.known_hosts.write_text(f"# first\n{line}")
    with pytest.raises(HostKeyError, match="its host key has changed") as error:
        log_in(sshd, policy)
    assert fingerprint(other) in error.value.message
    assert fingerprint(sshd.host_keys["ed25519"]) in error.value.message
    assert f"{sshd.known_hosts}:2" in error.value.message
    assert f"ssh-keygen -R '[127.0.0.1]:{sshd.port}' -f {sshd.known_hosts}" in error.value.hint
    assert sshd.known_hosts.read_text() == f"# first\n{line}"


def test_the_command_that_the_hint_names_makes_a_changed_key_acceptable(
    sshd: Sshd, tmp_path: Path
) -> None:
    other = make_key(tmp_path / "other")
    sshd.known_hosts.write_text(f"[127.0.0.1]:{sshd.port} {Path(f'{other}.pub').read_text()}")
    with pytest.raises(HostKeyError) as error:
        log_in(sshd)
    command = error.value.hint.partition(": ")[2].partition(", then")[0]
    subprocess.run(["sh", "-c", command], check=True, capture_output=True)
    log_in(sshd, HostKeyPolicy.ACCEPT_NEW)
    log_in(sshd)


@pytest.mark.parametrize("policy", list(HostKeyPolicy))
def test_a_revoked_key_is_refused_under_every_policy(sshd: Sshd, policy: HostKeyPolicy) -> None:
    sshd.trust("ed25519")
    sshd.known_hosts.write_text(
        f"{sshd.known_hosts.read_text()}@revoked * {sshd.public_key('ed25519')}\n"
    )
    with pytest.raises(HostKeyError, match=r"was revoked .*known_hosts:2"):
        log_in(sshd, policy)


@pytest.mark.parametrize("kind", ["ecdsa", "rsa"])
def test_the_host_is_asked_for_the_key_that_is_known_of_it(sshd: Sshd, kind: str) -> None:
    sshd.trust(kind)  # and the server would show its Ed25519 key first
    must_be_trusted(sshd)


@pytest.mark.parametrize("policy", list(HostKeyPolicy))
def test_a_host_that_lost_the_key_by_which_it_is_known_is_refused(
    start_sshd: Callable[..., Sshd], tmp_path: Path, policy: HostKeyPolicy
) -> None:
    server = start_sshd(host_keys=("ed25519",))
    old = make_key(tmp_path / "old", "ecdsa")
    server.known_hosts.write_text(f"[127.0.0.1]:{server.port} {Path(f'{old}.pub').read_text()}")
    with pytest.raises(HostKeyError, match="ecdsa-sha2-nistp256"):
        log_in(server, policy)


def test_a_host_trusted_only_through_an_authority_is_told_apart(sshd: Sshd) -> None:
    sshd.known_hosts.write_text(f"@cert-authority * {sshd.public_key('rsa')}\n")
    with pytest.raises(HostKeyError, match="trusts an authority for it"):
        log_in(sshd)


def test_an_alias_for_the_key_is_honoured(sshd: Sshd) -> None:
    sshd.trust("ed25519", name="cluster")
    must_be_trusted(sshd, "HostKeyAlias cluster")


def test_the_global_known_hosts_file_is_read_too(sshd: Sshd, tmp_path: Path) -> None:
    path = tmp_path / "global"
    path.write_text(f"[127.0.0.1]:{sshd.port} {sshd.public_key('ed25519')}\n")
    must_be_trusted(sshd, f"GlobalKnownHostsFile {path}")


def test_a_key_that_cannot_be_recorded_is_not_accepted(sshd: Sshd) -> None:
    # Nobody can make a file there, root neither.
    with pytest.raises(HostKeyError, match=r"cannot record the key of web1 .* in /proc/known"):
        log_in(sshd, HostKeyPolicy.ACCEPT_NEW, "UserKnownHostsFile /proc/known_hosts")
