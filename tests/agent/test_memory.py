"""What a host remembers, for each project on it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from provisioning.agent.machine.memory import Memory
from provisioning.agent.resources.removed_app import is_about


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "memory.json"


def of(path: Path, owner: str) -> Memory:
    memory = Memory(str(path))
    memory.owner = owner
    return memory


def test_each_owner_has_its_own(path: Path) -> None:
    of(path, "one").remember("service:nginx reload", "a")
    of(path, "two").remember("service:nginx reload", "b")
    assert of(path, "one").recall("service:nginx reload") == "a"
    assert of(path, "two").recall("service:nginx reload") == "b"


def test_an_owner_who_knows_nothing_takes_what_another_knows(path: Path) -> None:
    of(path, "one").remember("key", "a")
    assert of(path, "two").recall("key") == "a"


def test_what_an_owner_has_forgotten_nobody_else_remembers_for_it(path: Path) -> None:
    of(path, "one").remember("key", "a")
    of(path, "two").forget("key")
    assert of(path, "two").recall("key") == ""
    assert of(path, "one").recall("key") == "a"


def test_what_only_one_knew_leaves_nothing(path: Path) -> None:
    memory = of(path, "one")
    memory.remember("key", "a")
    memory.forget("key")
    assert json.loads(path.read_text()) == {}


def test_what_an_earlier_homeport_remembered_holds(path: Path) -> None:
    path.write_text('{"key": "a"}')
    memory = of(path, "one")
    assert memory.recall("key") == "a"
    memory.forget("key")
    assert of(path, "one").recall("key") == ""


@pytest.mark.parametrize("text", ["", "{", "[]", "null"])
def test_a_damaged_memory_knows_nothing(path: Path, text: str) -> None:
    path.write_text(text)
    assert of(path, "one").recall("key") == ""


def test_a_check_writes_nothing(path: Path) -> None:
    memory = Memory(str(path), writable=False)
    memory.remember("key", "a")
    assert memory.recall("key") == "a"
    assert not path.exists()


def test_what_is_gone_nobody_remembers(path: Path) -> None:
    of(path, "one").remember("key", "a")
    of(path, "two").remember("key", "b")
    of(path, "two").remember("other", "c")
    memory = of(path, "one")
    memory.forget_all(key for key in memory.known() if key == "key")
    assert json.loads(path.read_text()) == {"other": {"two": "c"}}


@pytest.mark.parametrize(
    "key",
    [
        "user:shop",
        "unit:shop-boot.service",
        "unit:shop@.service",
        "service:shop-boot reload",
        "service:homeport-renewal@shop.timer restart",
        "service:nginx-without-shop reload",
        "one-off:shop/20260101T000000.000Z-abc import",
        "tmpfiles:homeport-shop",
    ],
)
def test_what_is_remembered_of_an_app(key: str) -> None:
    assert is_about(key, "shop")
    assert not is_about(key, "sho")
    assert not is_about(key.replace("shop", "shop-two"), "shop")
    assert not is_about(key.replace("shop", "my-shop"), "shop")
