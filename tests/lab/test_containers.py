"""The driver for container engines, as far as it can be tried without one: what it asks for."""

from __future__ import annotations

import io
import tarfile
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from provisioning.errors import HomeportError
from provisioning.lab import choice, keys, roster
from provisioning.lab.drivers import container, container_image
from provisioning.lab.state import HostState, LabPaths, LabState


class Engine:
    """An engine that writes down what it is asked, and knows a few answers."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.answers: dict[str, str] = {}

    def __call__(self, argv: list[str], **_: object) -> str:
        self.asked.append(argv[1:])
        line = " ".join(argv[1:])
        for start, answer in self.answers.items():
            if line.startswith(start):
                if answer == "FAIL":
                    raise HomeportError("cannot use docker: it says no")
                return answer
        return ""

    def of(self, word: str) -> list[list[str]]:
        return [argv for argv in self.asked if argv[0] == word]


@pytest.fixture
def engine(monkeypatch) -> Engine:
    engine = Engine()
    engine.answers["inspect"] = "4711\n"
    monkeypatch.setattr(container, "call", engine)
    return engine


@pytest.fixture
def lab_state() -> LabState:
    return LabState("abcdef", "docker", "word", "10.77.0.0/24", {"bookworm": "base:1"})


@pytest.fixture
def driver(tmp_path: Path, lab_state: LabState) -> container.ContainerDriver:
    keys.make_user_key(tmp_path / "id_ed25519", "a test")
    return container.ContainerDriver(LabPaths(tmp_path), lab_state, print, engine="docker")


@pytest.fixture
def host(lab_state: LabState) -> HostState:
    lab_state.hosts["web1"] = roster.new_host(lab_state, "web1", "bookworm", None)
    return lab_state.hosts["web1"]


def test_a_host_is_created_once_seeded_and_started(driver, host, engine: Engine):
    driver.create(host)
    driver.boot(host, {"web1": host.address})
    [created] = engine.of("create")
    assert created[-4:-1] == ["base:1", "sh", "-c"]
    assert created[-1].endswith("exec /sbin/init")
    assert {"--name=hp-abcdef-web1", "--ip=10.77.0.11", "--publish=127.0.0.1::22"} <= set(created)
    assert {"--cap-add=SYS_ADMIN", "--cgroupns=private", "--tmpfs=/run"} <= set(created)
    order = [argv[0] for argv in engine.asked]
    assert order.index("create") < order.index("cp") < order.index("start")
    engine.answers["ps --all"] = "1234"
    driver.boot(host, {})
    assert len(engine.of("create")) == 1
    # The password is typed, not shown.
    assert not any("word" in part for argv in engine.asked for part in argv)


def test_a_host_that_ends_at_once_shows_its_last_words(driver, host, engine: Engine):
    driver.create(host)
    engine.answers |= {"inspect": "0\n", "logs": "Exiting PID 1...\n"}
    with pytest.raises(HomeportError, match="cannot boot web1: its container ended") as failure:
        driver.boot(host, {})
    assert failure.value.output == "Exiting PID 1..."


def test_a_snapshot_is_an_image_and_the_newest_is_what_a_host_starts_from(
    driver, host, engine: Engine
):
    driver.create(host)
    driver.freeze(host, "1")
    assert engine.of("commit") == [
        [
            "commit",
            "--change=LABEL homeport-lab=abcdef",
            "hp-abcdef-web1",
            "homeport-lab/abcdef-web1:1",
        ]
    ]
    host.layers.append("1")
    driver.boot(host, {})
    assert engine.of("create")[0][-4] == "homeport-lab/abcdef-web1:1"


def test_ports_are_where_the_engine_publishes_them(driver, host, engine: Engine):
    engine.answers["inspect"] = "0\n"
    assert driver.leader(host) is None
    assert driver.endpoint(host, 22) == ("10.77.0.11", 22)
    engine.answers["inspect"] = "4711\n"
    engine.answers["port hp-abcdef-web1 22/tcp"] = "127.0.0.1:49153\n"
    assert driver.leader(host) == 4711
    assert driver.endpoint(host, 22) == ("127.0.0.1", 49153)
    engine.answers["inspect"] = "FAIL"
    assert driver.leader(host) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-23T03:31:05.123456789Z", 1795404665.123456),
        ("2026-11-23T03:31:05.5Z", 1795404665.5),
        ("2026-11-23T03:31:05Z", 1795404665.0),
    ],
)
def test_the_engine_s_clock_is_understood(driver, host, engine: Engine, text, expected):
    engine.answers = {"inspect": text + "\n"}
    assert driver.start_time(host) == pytest.approx(expected, abs=1e-6)


def test_down_removes_what_carries_the_label_and_nothing_when_there_is_nothing(
    driver, engine: Engine
):
    driver.stop_lab()
    assert not engine.of("rm") + engine.of("rmi")
    engine.answers |= {"ps": "c1\nc2\n", "images": "i1\ni1\n", "network ls": "n1\n"}
    driver.stop_lab()
    assert engine.of("rm") == [["rm", "--force", "--volumes", "c1", "c2"]]
    assert engine.of("rmi") == [["rmi", "--force", "i1"]]
    assert engine.of("network")[-1] == ["network", "rm", "hp-abcdef"]


def test_a_network_that_machine_or_engine_use_is_followed_by_the_next(
    driver, lab_state, engine: Engine, monkeypatch
):
    monkeypatch.setattr(container.network, "used_networks", lambda: [IPv4Network("10.77.0.0/24")])
    monkeypatch.setattr(container.shutil, "which", lambda name: name)
    lab_state.subnet = ""
    engine.answers["network create --subnet=10.77.1.0/24"] = "FAIL"
    driver.start_lab([])
    assert lab_state.subnet == "10.77.2.0/24"
    engine.answers["network create"] = "FAIL"
    with pytest.raises(HomeportError, match="docker gives it no network"):
        driver.start_lab([])


def test_what_containers_cannot_do_is_said(driver, host):
    host.disk_size_mb = 64
    with pytest.raises(
        HomeportError, match="cannot give web1 a small disk: its lab runs in docker"
    ):
        driver.create(host)
    with pytest.raises(HomeportError, match="cannot look at the files of web1 from outside"):
        driver.root(host)


def test_the_seed_holds_keys_with_the_modes_that_sshd_wants(driver, host, tmp_path: Path):
    driver.create(host)
    content = container_image.seed(tmp_path / "hosts/web1/seed", tmp_path / "id_ed25519")
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        modes = {entry.name: (oct(entry.mode), entry.uid) for entry in archive}
    assert modes["etc/ssh/ssh_host_ed25519_key"] == ("0o600", 0)
    assert modes["etc/ssh/ssh_host_ed25519_key.pub"] == ("0o644", 0)
    assert modes["home/operator/.ssh/authorized_keys"] == ("0o600", 1001)
    assert modes["root/.ssh"] == ("0o700", 0)


def test_an_image_is_named_by_all_that_goes_into_it():
    contexts = {suite: container_image.build_context(suite) for suite in ("bookworm", "trixie")}
    assert contexts["bookworm"] == container_image.build_context("bookworm")
    assert len({container_image.tag("x", context) for context in contexts.values()}) == 2
    with tarfile.open(fileobj=io.BytesIO(contexts["trixie"])) as archive:
        dockerfile = archive.extractfile("Dockerfile")
        assert dockerfile is not None
        assert dockerfile.read().startswith(b"FROM debian:trixie-slim\n")


def test_root_on_linux_gets_real_hosts_others_an_engine_and_the_rest_a_clear_no(monkeypatch):
    answering: list[str] = []
    monkeypatch.setattr(choice.sys, "platform", "linux")
    monkeypatch.setattr(choice.cgroups, "root", lambda: Path("/sys/fs/cgroup"))
    monkeypatch.setattr(choice.machine, "missing_packages", list)
    monkeypatch.setattr(choice.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(choice, "_answers", lambda engine: engine in answering)
    monkeypatch.setattr(choice.os, "geteuid", lambda: 0)
    assert choice.choose_driver() == "nspawn"
    monkeypatch.setattr(choice.os, "geteuid", lambda: 1000)
    with pytest.raises(HomeportError, match="real hosts need root, and neither Docker nor Podman"):
        choice.choose_driver()
    answering.append("podman")
    assert choice.choose_driver() == "podman"
    answering.append("docker")
    assert choice.choose_driver() == "docker"
    monkeypatch.setattr(choice.sys, "platform", "darwin")
    assert choice.choose_driver() == "docker"
