"""What the agent sees for `fab doctor`, as far as it can be tried on this machine."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from provisioning.agent.examination.app import NAMING, WORD, _names
from provisioning.agent.examination.listeners import listeners
from provisioning.agent.examination.machine import file_systems
from provisioning.agent.examination.secrets import _places
from provisioning.agent.examination.updates import ENABLED, INSTALLS
from provisioning.agent.secret_names import POSSIBLE


@pytest.mark.parametrize(
    ("family", "kind", "protocol", "address"),
    [
        (socket.AF_INET, socket.SOCK_STREAM, "tcp", "127.0.0.1"),
        (socket.AF_INET, socket.SOCK_STREAM, "tcp", "0.0.0.0"),
        (socket.AF_INET6, socket.SOCK_STREAM, "tcp", "::1"),
        (socket.AF_INET, socket.SOCK_DGRAM, "udp", "127.0.0.1"),
    ],
)
def test_a_port_is_seen_with_its_program_and_its_user(
    family: int, kind: int, protocol: str, address: str
) -> None:
    with socket.socket(family, kind) as waiting:
        try:
            waiting.bind((address, 0))
        except OSError:
            pytest.skip(f"{address} is not to be had here")
        if kind == socket.SOCK_STREAM:
            waiting.listen()
        port = waiting.getsockname()[1]
        [found] = [each for each in listeners() if each[:3] == (protocol, address, port)]
    assert found.program == Path("/proc/self/comm").read_text().strip()
    if os.geteuid() == 0:
        assert found.user == "root"
    assert port not in [each.port for each in listeners() if each.protocol == protocol]


def test_a_port_that_is_connected_and_no_more_is_not_a_listener() -> None:
    with socket.socket() as waiting, socket.socket() as ours:
        waiting.bind(("127.0.0.1", 0))
        waiting.listen()
        ours.connect(waiting.getsockname())
        port = ours.getsockname()[1]
        assert port not in [each.port for each in listeners() if each.protocol == "tcp"]


def test_file_systems_are_each_seen_once() -> None:
    found = file_systems()
    assert found[0].path == "/"
    assert all(0 <= each.free_percent <= 100 for each in found)
    devices = [Path(each.path).stat().st_dev for each in found]
    assert len(set(devices)) == len(devices)


SIMULATION = """\
Inst openssl [3.0.15-1] (3.0.16-1~deb12u1 Debian-Security:12/stable-security [amd64]) []
Inst tzdata [2024a] (2025b Debian:12.11/stable [all])
Inst linux-image-new (6.1.140-1 Debian-Security:12/stable-security [amd64])
Conf openssl (3.0.16-1~deb12u1 Debian-Security:12/stable-security [amd64])
"""


def test_updates_are_read_from_what_apt_says() -> None:
    found = {each[1]: each[3] for each in INSTALLS.finditer(SIMULATION)}
    assert list(found) == ["openssl", "tzdata"]
    assert [name for name, archive in found.items() if "security" in archive.lower()] == ["openssl"]
    dump = 'APT::Periodic::Unattended-Upgrade "1";\nAPT::Periodic::Unattended-Upgrade "0";\n'
    assert ENABLED.findall(dump) == ["1", "0"]


def test_values_are_found_in_code_however_deep_and_short_ones_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "settings.py").write_text('KEY = "value-of-it"\n')
    (tmp_path / "other.py").write_text("short\n")
    (tmp_path / "link.py").symlink_to("other.py")
    found = _places(str(tmp_path), {"KEY": "value-of-it", "PIN": "short", "NONE": "nowhere-at-all"})
    assert found == {"KEY": ["a/b/settings.py"], "PIN": [], "NONE": []}


@pytest.mark.parametrize(
    ("name", "is_secret"),
    [
        ("SECRET_KEY", True), ("DB_PASSWORD", True), ("API_TOKEN", True), ("DATABASE_URL", True),
        ("SENTRY_DSN", True), ("STRIPE_API_KEY", True), ("LOG_LEVEL", False), ("PATH", False),
        ("KEYBOARD", False),
    ],
)  # fmt: skip
def test_which_names_stand_for_secrets(name: str, is_secret: bool) -> None:
    assert bool(POSSIBLE.search(name)) is is_secret


def test_only_names_are_told_of_an_environment_and_of_a_command_line() -> None:
    assert _names('PATH=/a:/b "NOTE=two words" TOKEN=abc') == ["NOTE", "PATH", "TOKEN"]
    assert _names('A="broken') == ["A"]
    words = ["python3", "--token=abc", "hunter2", "manage.py", "runserver", "s3cret"]
    told = [word for word in words if WORD.fullmatch(word) and NAMING.fullmatch(word)]
    assert told == ["python3", "manage.py", "runserver"]
