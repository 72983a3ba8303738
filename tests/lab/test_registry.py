"""Subnets and forwarding, shared by all labs of a machine."""

from __future__ import annotations

import threading
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from provisioning.errors import HomeportError
from provisioning.lab import registry
from provisioning.lab.locks import locked


@pytest.fixture
def forward(tmp_path: Path, monkeypatch) -> Path:
    """A registry and a forwarding switch of our own."""
    switch = tmp_path / "ip_forward"
    switch.write_text("0\n")
    monkeypatch.setattr(registry, "DIRECTORY", tmp_path / "run")
    monkeypatch.setattr(registry, "_IP_FORWARD", switch)
    return switch


def test_no_two_labs_get_the_same_subnet_nor_one_the_machine_uses(forward: Path, tmp_path: Path):
    used = [IPv4Network("10.77.0.0/23"), IPv4Network("192.0.2.0/24")]
    first = registry.enter("aaaaaa", tmp_path / "a", "", used)
    second = registry.enter("bbbbbb", tmp_path / "b", "", used)
    assert [str(first), str(second)] == ["10.77.2.0/24", "10.77.3.0/24"]
    assert registry.enter("aaaaaa", tmp_path / "a", "", used) == first
    whole = registry.enter("cccccc", tmp_path / "c", "", [IPv4Network("10.0.0.0/8")])
    assert str(whole) == "172.29.0.0/24"


def test_a_lab_gets_its_old_subnet_back_unless_it_is_taken(forward: Path, tmp_path: Path):
    assert str(registry.enter("aaaaaa", tmp_path, "10.77.9.0/24", [])) == "10.77.9.0/24"
    with pytest.raises(HomeportError, match=r"its network 10\.77\.9\.0/24 is in use now"):
        registry.enter("bbbbbb", tmp_path, "10.77.9.0/24", [])


def test_forwarding_is_as_before_after_the_last_lab_and_nothing_stays(
    forward: Path, tmp_path: Path
):
    registry.enter("aaaaaa", tmp_path, "", [])
    registry.enter("bbbbbb", tmp_path, "", [])
    registry.leave("aaaaaa")
    assert forward.read_text() == "1"
    registry.leave("bbbbbb")
    assert forward.read_text() == "0"
    assert not registry.DIRECTORY.exists()
    registry.leave("bbbbbb")
    assert not registry.DIRECTORY.exists()


def test_forwarding_that_was_on_stays_on(forward: Path, tmp_path: Path):
    forward.write_text("1\n")
    registry.enter("aaaaaa", tmp_path, "", [])
    registry.leave("aaaaaa")
    assert forward.read_text() == "1\n"


def test_a_lock_holds_among_threads_though_each_holder_removes_its_file(tmp_path: Path):
    path = tmp_path / "deep" / "lock"
    inside: list[int] = []
    most: list[int] = []

    def work() -> None:
        for _ in range(50):
            with locked(path):
                inside.append(1)
                most.append(len(inside))
                inside.pop()
                path.unlink()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 200
