from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import pytest

from provisioning.errors import ConfigurationError
from provisioning.transport.trust.known_hosts import (
    Verdict,
    fingerprint,
    hashed_name,
    judge,
    known_key_types,
    read_known_hosts,
)
from tests.transport.sshd import make_key


class Key:
    def __init__(self, folder: Path, name: str, kind: str = "ed25519") -> None:
        self.path = make_key(folder / name, kind)
        self.type, text, *_ = Path(f"{self.path}.pub").read_text().split()
        self.line = f"{self.type} {text}"
        self.blob = base64.b64decode(text)


@pytest.fixture(scope="module")
def right(tmp_path_factory: pytest.TempPathFactory) -> Key:
    return Key(tmp_path_factory.mktemp("keys"), "right")


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Key:
    return Key(tmp_path_factory.mktemp("keys"), "other")


@pytest.fixture(scope="module")
def ecdsa(tmp_path_factory: pytest.TempPathFactory) -> Key:
    return Key(tmp_path_factory.mktemp("keys"), "ecdsa", "ecdsa")


def verdict(folder: Path, lines: str, name: str, key: Key) -> Verdict:
    path = folder / "known_hosts"
    path.write_text(lines)
    return judge(read_known_hosts([path]), name, key.type, key.blob)[0]


@pytest.mark.parametrize(
    ("names", "name", "known"),
    [
        ("web1", "web1", True),
        ("WEB1.Example.com", "web1.example.com", True),
        ("web1,203.0.113.10", "203.0.113.10", True),
        ("web", "web1", False),
        ("*.example.com", "web1.example.com", True),
        ("*.example.com", "example.com", False),
        ("web?", "web1", True),
        ("web?", "web10", False),
        ("*.example.com,!bad.example.com", "bad.example.com", False),
        ("!bad.example.com,*.example.com", "web1.example.com", True),
        ("!web1", "web1", False),
        ("[web1]:2222", "[web1]:2222", True),
        ("[web1]:2222", "[web1]:2223", False),
        ("web1", "[web1]:2222", False),
        ("[*]:2222", "[web1]:2222", True),
        ("[w]eb1", "web1", False),
        ("web.", "web1", False),
        ("2001:db8::1", "2001:db8::1", True),
    ],
)
def test_names_are_matched_as_sshd_8_says(
    tmp_path: Path, right: Key, names: str, name: str, known: bool
) -> None:
    expected = Verdict.KNOWN if known else Verdict.UNKNOWN
    assert verdict(tmp_path, f"{names} {right.line}\n", name, right) is expected


def test_names_that_ssh_keygen_hashed_are_found(tmp_path: Path, right: Key, other: Key) -> None:
    path = tmp_path / "known_hosts"
    path.write_text(f"web1,203.0.113.10 {right.line}\n[web2]:2222 {other.line}\n")
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", path], check=True, capture_output=True)
    assert "web1" not in path.read_text()
    known = read_known_hosts([path])
    for name, key in (("web1", right), ("203.0.113.10", right), ("[web2]:2222", other)):
        assert judge(known, name, key.type, key.blob)[0] is Verdict.KNOWN
    assert judge(known, "web3", right.type, right.blob)[0] is Verdict.UNKNOWN


def test_names_that_we_hash_are_found_by_ssh_keygen(tmp_path: Path, right: Key) -> None:
    path = tmp_path / "known_hosts"
    path.write_text(f"{hashed_name('web1', b's' * 20)} {right.line}\n")
    found = subprocess.run(
        ["ssh-keygen", "-F", "web1", "-f", path], capture_output=True, text=True, check=False
    )
    assert right.line in found.stdout


def test_another_key_of_the_same_type_is_a_changed_one(
    tmp_path: Path, right: Key, other: Key
) -> None:
    assert verdict(tmp_path, f"web1 {other.line}\n", "web1", right) is Verdict.CHANGED


def test_one_of_several_known_keys_suffices(tmp_path: Path, right: Key, other: Key) -> None:
    lines = f"web1 {other.line}\n* {right.line}\n"
    assert verdict(tmp_path, lines, "web1", right) is Verdict.KNOWN


def test_a_key_of_a_type_never_recorded_counts_as_changed(
    tmp_path: Path, right: Key, ecdsa: Key
) -> None:
    assert verdict(tmp_path, f"web1 {ecdsa.line}\n", "web1", right) is Verdict.CHANGED


def test_a_revoked_key_stays_refused_even_if_another_line_knows_it(
    tmp_path: Path, right: Key
) -> None:
    lines = f"web1 {right.line}\n@revoked * {right.line}\n"
    assert verdict(tmp_path, lines, "web1", right) is Verdict.REVOKED


def test_a_revoked_line_for_other_hosts_or_keys_means_nothing(
    tmp_path: Path, right: Key, other: Key
) -> None:
    lines = f"@revoked db* {right.line}\n@revoked * {other.line}\nweb1 {right.line}\n"
    assert verdict(tmp_path, lines, "web1", right) is Verdict.KNOWN


def test_the_key_of_an_authority_is_no_host_key(tmp_path: Path, right: Key) -> None:
    path = tmp_path / "known_hosts"
    path.write_text(f"@cert-authority *.example.com {right.line}\n")
    found, line = judge(read_known_hosts([path]), "web1.example.com", right.type, right.blob)
    assert found is Verdict.UNKNOWN
    assert line is not None
    assert line.place == f"{path}:1"


def test_lines_that_say_nothing_are_skipped(tmp_path: Path, right: Key, ecdsa: Key) -> None:
    broken = right.line.replace("ssh-ed25519", "ssh-rsa")
    lines = (
        f"# web1 {right.line}\n\n   \nweb1\nweb1 ssh-ed25519\nweb1 ssh-ed25519 !!!\n"
        f"web1 {broken}\n@new web9 {right.line}\n|1|x|y {right.line}\nweb1 1024 35 123\n\xff\n"
    )
    assert verdict(tmp_path, lines, "web1", right) is Verdict.UNKNOWN
    assert verdict(tmp_path, f"{lines}web1 {ecdsa.line} a comment\n", "web1", ecdsa) is (
        Verdict.KNOWN
    )


def test_a_line_under_a_marker_we_do_not_know_makes_no_host_known(
    tmp_path: Path, right: Key
) -> None:
    assert verdict(tmp_path, f"@new web1 {right.line}\n", "web1", right) is Verdict.UNKNOWN


def test_the_types_by_which_a_host_is_known_come_in_the_order_of_the_file(
    tmp_path: Path, right: Key, ecdsa: Key
) -> None:
    path = tmp_path / "known_hosts"
    path.write_text(f"web1 {ecdsa.line}\nweb1 {right.line}\nweb2 {right.line}\n")
    known = read_known_hosts([path])
    assert known_key_types(known, "web1") == ["ecdsa-sha2-nistp256", "ssh-ed25519"]
    assert known_key_types(known, "web3") == []


def test_a_file_that_is_missing_or_a_device_has_no_lines(tmp_path: Path) -> None:
    assert read_known_hosts([tmp_path / "none", Path("/dev/null")]) == []


def test_a_file_that_cannot_be_read_is_an_error_and_not_an_unknown_host(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot read"):
        read_known_hosts([tmp_path / ("too-long" * 100)])


def test_a_line_added_meanwhile_is_seen(tmp_path: Path, right: Key) -> None:
    path = tmp_path / "known_hosts"
    path.write_text("")
    assert read_known_hosts([path]) == []
    with path.open("a") as file:
        file.write(f"web1 {right.line}\n")
    assert len(read_known_hosts([path])) == 1


def test_a_fingerprint_is_written_as_ssh_keygen_writes_it(right: Key) -> None:
    shown = subprocess.run(
        ["ssh-keygen", "-l", "-f", f"{right.path}.pub"], capture_output=True, text=True, check=True
    )
    assert fingerprint(right.blob) == shown.stdout.split()[1]
