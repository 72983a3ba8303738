"""The lab's smaller parts, without a host."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from provisioning.errors import ConfigurationError, HomeportError
from provisioning.lab import Lab, guest, keys, readiness, relay, roster, seed, state
from provisioning.lab.files import write_file
from provisioning.lab.processes import call, call_bounded
from provisioning.lab.state import LabPaths, LabState


def a_lab() -> LabState:
    return LabState("abcdef", "nspawn", "word", subnet="10.77.0.0/24")


def test_the_authority_of_a_lab_listens_at_its_gateway():
    assert a_lab().acme_directory_url == "https://10.77.0.1:14000/dir"


def test_what_a_lab_remembers_survives_the_disk(tmp_path: Path):
    paths = LabPaths(tmp_path)
    lab = a_lab()
    lab.hosts["web1"] = roster.new_host(lab, "web1", "trixie", 64)
    lab.hosts["web1"].snapshots["bare"] = ["1", "2"]
    lab.domains["hello.lab"] = "web1"
    state.write(paths, lab)
    assert state.read(paths) == lab


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"format": 99}', '{"format": 1, "hosts": {}}'])
def test_a_state_file_that_is_not_understood_is_one_clear_error(tmp_path: Path, text: str):
    LabPaths(tmp_path).state.write_text(text)
    with pytest.raises(
        HomeportError, match=r"cannot read the lab in .*lab\.json cannot be understood"
    ):
        state.read(LabPaths(tmp_path))


def test_a_lab_that_is_not_there_is_not_found_and_not_made(tmp_path: Path):
    assert Lab.find(tmp_path / "none") is None
    Lab(tmp_path / "none").down()
    with pytest.raises(HomeportError, match="cannot find a lab in"):
        Lab(tmp_path / "none").status()
    assert not (tmp_path / "none").exists()


def test_a_directory_that_overlayfs_would_misread_is_refused(tmp_path: Path):
    with pytest.raises(ConfigurationError, match="commas, colons or backslashes"):
        Lab.create(tmp_path / "a,b")
    assert list(tmp_path.iterdir()) == []


def test_numbers_of_removed_hosts_are_given_again_and_a_full_lab_says_so():
    lab = a_lab()
    for number in range(1, roster.MAX_HOSTS + 1):
        lab.hosts[f"h{number}"] = roster.new_host(lab, f"h{number}", "bookworm", None)
    assert lab.hosts["h1"].address == "10.77.0.11"
    with pytest.raises(ConfigurationError, match="the lab is full"):
        roster.new_host(lab, "more", "bookworm", None)
    del lab.hosts["h7"]
    assert roster.new_host(lab, "more", "bookworm", None).address == "10.77.0.17"


def test_a_host_cannot_change_its_suite():
    lab = a_lab()
    lab.hosts["web1"] = roster.new_host(lab, "web1", "bookworm", None)
    roster.check(lab, ["web1", "web2"], "bookworm")
    with pytest.raises(
        ConfigurationError, match="with Debian trixie: it already exists with bookworm"
    ):
        roster.check(lab, ["web1"], "trixie")


def test_links_of_a_guest_lead_nowhere_outside_of_it(tmp_path: Path):
    (tmp_path / "etc").mkdir()
    (tmp_path / "up").symlink_to("../../../../../..")
    (tmp_path / "absolute").symlink_to("/etc")
    (tmp_path / "last").symlink_to("/etc/passwd")
    (tmp_path / "loop").symlink_to("loop")
    assert guest.locate(tmp_path, "/up/etc/x") == tmp_path / "etc/x"
    assert guest.locate(tmp_path, "/absolute/../absolute/./y") == tmp_path / "etc/y"
    assert guest.locate(tmp_path, "/last") == tmp_path / "last"
    assert guest.locate(tmp_path, "/../..") == tmp_path
    with pytest.raises(HomeportError, match="too many links"):
        guest.locate(tmp_path, "/loop/x")
    with pytest.raises(HomeportError, match="the path is not absolute"):
        guest.locate(tmp_path, "etc")


def test_names_are_replaced_and_other_lines_and_an_unchanged_file_stay(tmp_path: Path):
    hosts = tmp_path / "etc/hosts"
    hosts.parent.mkdir()
    hosts.write_text("127.0.0.1 localhost\n")
    seed.set_names(tmp_path, {"b.lab": "10.77.0.12", "a.lab": "10.77.0.11"})
    expected = "127.0.0.1 localhost\n# lab: begin\n10.77.0.11 a.lab\n10.77.0.12 b.lab\n# lab: end\n"
    assert hosts.read_text() == expected
    inode = hosts.stat().st_ino
    seed.set_names(tmp_path, {"b.lab": "10.77.0.12", "a.lab": "10.77.0.11"})
    assert hosts.stat().st_ino == inode
    hosts.write_text(expected + "192.0.2.1 mine\n")
    seed.set_names(tmp_path, {})
    assert hosts.read_text() == "127.0.0.1 localhost\n192.0.2.1 mine\n# lab: begin\n# lab: end\n"


def test_known_hosts_has_a_line_per_key_with_all_names(tmp_path: Path):
    keys.make_host_keys(tmp_path)
    lines = keys.known_hosts_lines("web1,10.77.0.11", tmp_path)
    assert [line.split()[:2] for line in lines] == [
        ["web1,10.77.0.11", "ecdsa-sha2-nistp256"],
        ["web1,10.77.0.11", "ssh-ed25519"],
        ["web1,10.77.0.11", "ssh-rsa"],
    ]
    private = tmp_path / "etc/ssh/ssh_host_ed25519_key"
    assert private.stat().st_mode & 0o777 == 0o600


def test_the_authority_signs_for_address_and_name_and_stays_the_same(tmp_path: Path):
    keys.make_authority(tmp_path / "ca", "a lab")
    before = (tmp_path / "ca/ca.pem").read_bytes()
    keys.make_authority(tmp_path / "ca", "a lab")
    assert (tmp_path / "ca/ca.pem").read_bytes() == before
    keys.make_certificate(tmp_path / "ca", tmp_path / "acme", "10.77.0.1", "acme.lab")
    certificate = x509.load_pem_x509_certificate((tmp_path / "acme/cert.pem").read_bytes())
    certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(before))
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["acme.lab", "localhost"]
    assert [str(a) for a in names.get_values_for_type(x509.IPAddress)] == ["10.77.0.1"]
    key = serialization.load_pem_private_key((tmp_path / "acme/key.pem").read_bytes(), None)
    assert key.public_key() == certificate.public_key()
    for private in (tmp_path / "ca/ca.key", tmp_path / "acme/key.pem"):
        assert private.stat().st_mode & 0o777 == 0o600


def test_a_failing_program_shows_its_status_and_its_last_lines():
    script = "seq 1 100 >&2; exit 3"
    with pytest.raises(HomeportError, match="cannot count: sh ended with status 3") as failure:
        call(["sh", "-c", script], purpose="count")
    assert failure.value.output.splitlines()[-1] == "100"
    assert len(failure.value.output.splitlines()) < 30
    with pytest.raises(HomeportError, match="cannot fly: no-such-program is not installed"):
        call(["no-such-program"], purpose="fly")
    assert (
        call(["cat"], stdin="x", purpose="copy") == call(["cat"], stdin=b"x", purpose="copy") == "x"
    )


def test_a_program_out_of_time_is_ended_with_its_children(tmp_path: Path):
    script = f"sleep 1000 & echo $! > {tmp_path}/child; wait"
    with pytest.raises(subprocess.TimeoutExpired):
        call_bounded(["sh", "-c", script], stdin=None, timeout_s=2)
    child = int((tmp_path / "child").read_text())
    deadline = time.monotonic() + 60
    while _runs(child):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _runs(pid: int) -> bool:
    try:
        return Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_the_relay_passes_questions_on_by_datagram_and_by_connection():
    with (
        socket.socket(type=socket.SOCK_DGRAM) as datagrams,
        socket.create_server(("127.0.0.1", 0)) as stream,
    ):
        upstream_port = stream.getsockname()[1]
        datagrams.bind(("127.0.0.1", upstream_port))
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        argv = [
            sys.executable,
            "-I",
            relay.__file__,
            "127.0.0.1",
            "127.0.0.1",
            str(port),
            str(upstream_port),
        ]
        program = subprocess.Popen(argv)
        try:
            threading.Thread(target=_answer_backwards, args=(stream,), daemon=True).start()
            deadline = time.monotonic() + 60
            while True:
                try:
                    connection = socket.create_connection(("127.0.0.1", port), timeout=10)
                    break
                except ConnectionRefusedError:
                    assert time.monotonic() < deadline
            with connection:
                connection.sendall(struct.pack("!H", 5) + b"hello")
                assert connection.recv(100) == struct.pack("!H", 5) + b"olleh"
            with socket.socket(type=socket.SOCK_DGRAM) as client:
                client.settimeout(10)
                client.sendto(b"question", ("127.0.0.1", port))
                question, relayed = datagrams.recvfrom(100)
                datagrams.sendto(question[::-1], relayed)
                assert client.recv(100) == b"noitseuq"
        finally:
            program.kill()
            program.wait()


def _answer_backwards(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection:
        question = connection.recv(100)
        connection.sendall(question[:2] + question[2:][::-1])


def test_files_have_their_mode_whatever_the_umask_is(tmp_path: Path):
    before = os.umask(0o077)
    try:
        write_file(tmp_path / "a/b/file", "x", 0o644)
    finally:
        os.umask(before)
    modes = [(tmp_path / p).stat().st_mode & 0o777 for p in ("a", "a/b", "a/b/file")]
    assert modes == [0o755, 0o755, 0o644]


def test_a_machine_that_has_no_room_for_another_host_is_told_what_to_raise():
    log = "Failed to create control group inotify object: Too many open files\n"
    assert "sysctl fs.inotify.max_user_instances=" in readiness.hint_for(log)
    assert readiness.hint_for("Failed to mount /sys\n") == ""
