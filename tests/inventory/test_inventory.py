from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from provisioning.errors import ConfigurationError
from provisioning.inventory import App, Host, Inventory

if TYPE_CHECKING:
    from tests.inventory.conftest import Inventories

FLEET = """
[hosts.web1]
address = "192.0.2.1"
groups = ["web", "all-of-it"]
[hosts.web2]
address = "192.0.2.2"
groups = ["web"]
[hosts.db]
groups = ["all-of-it"]

[apps.everywhere]
source = ".."
wsgi = "app:app"
domains = ["everywhere.example.com"]
[apps.web]
source = ".."
hosts = ["web"]
wsgi = "app:app"
domains = ["web.example.com"]
[apps.mixed]
source = ".."
hosts = ["db", "web2"]
wsgi = "app:app"
domains = ["mixed.example.com"]
"""


@pytest.fixture
def fleet(inventories: Inventories) -> Inventory:
    return inventories.load(FLEET)


def names(hosts: tuple[Host, ...] | tuple[App, ...]) -> list[str]:
    return [each.name for each in hosts]


@pytest.mark.parametrize(
    ("limit", "selected"),
    [
        ([], ["web1", "web2", "db"]),
        ([""], ["web1", "web2", "db"]),
        (["web2"], ["web2"]),
        (["web"], ["web1", "web2"]),
        (["db", "web1"], ["web1", "db"]),
        (["all-of-it", "web"], ["web1", "web2", "db"]),
        (["db, web2"], ["web2", "db"]),
        (["192.0.2.2"], ["web2"]),
    ],
)
def test_hosts_are_selected_by_name_group_or_address_in_order(
    fleet: Inventory, limit: list[str], selected: list[str]
) -> None:
    assert names(fleet.select(limit)) == selected


def test_every_unknown_name_of_a_selection_is_told_with_the_nearest(fleet: Inventory) -> None:
    with pytest.raises(ConfigurationError) as caught:
        fleet.select(["web1", "wbe2", "everywhere"])
    assert caught.value.output.splitlines() == [
        "wbe2: no such host or group; did you mean web2?",
        "everywhere: no such host or group; known: all-of-it, db, web, web1, web2",
    ]
    assert "production" in caught.value.message


def test_apps_and_hosts_find_each_other(fleet: Inventory) -> None:
    assert fleet.groups == {"web": ("web1", "web2"), "all-of-it": ("web1", "db")}
    assert {name: names(fleet.apps_on(host)) for name, host in fleet.hosts.items()} == {
        "web1": ["everywhere", "web"],
        "web2": ["everywhere", "web", "mixed"],
        "db": ["everywhere", "mixed"],
    }
    assert names(fleet.hosts_of(fleet.apps["mixed"])) == ["web2", "db"]
    assert names(fleet.hosts_of(fleet.apps["everywhere"])) == ["web1", "web2", "db"]


def test_a_host_besides_the_inventory_gets_the_apps_of_all_hosts(fleet: Inventory) -> None:
    assert names(fleet.apps_on(Host(name="203.0.113.10"))) == ["everywhere"]


def test_paths_are_relative_to_the_inventory_and_know_the_home_folder(
    fleet: Inventory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    assert fleet.local_path("../x") == tmp_path / "x"
    assert fleet.local_path("~/x") == Path("/home/ada/x")
    assert fleet.local_path("/etc/x") == Path("/etc/x")


def test_the_lab_puts_in_its_authority_and_its_hosts(fleet: Inventory) -> None:
    lab = fleet.with_acme_directory("https://lab.example/dir").with_hosts(
        {"web1": fleet.hosts["web1"].model_copy(update={"address": "198.51.100.1"})}
    )
    assert lab.tls.directory == "https://lab.example/dir"
    assert names(lab.select()) == ["web1"]
    assert lab.hosts["web1"].address == "198.51.100.1"
    assert lab.groups["web"] == ("web1",)
    assert fleet.hosts["web1"].address == "192.0.2.1"
