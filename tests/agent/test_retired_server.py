"""One web server in another's place: what stops it, and what is said before anything is done."""

from __future__ import annotations

from provisioning.agent.layout import AppLayout
from provisioning.agent.machine.record import AppEntry
from provisioning.agent.machine.system import System
from provisioning.agent.resources.packages import Packages
from provisioning.agent.resources.retired_server import RetiredServer
from tests.fakes.system import QuietSystem

NGINX = RetiredServer("nginx.service", ("hello",))


def test_apps_that_the_new_server_has_not_are_in_the_way():
    system = QuietSystem()
    for name, owner in (("hello", "shop/production"), ("other", "blog/production")):
        system.owned.put_app(name, AppEntry(owner))
    [found] = NGINX.obstacles(system, [])
    assert (found.id, found.can_be_adopted) == ("app:other", False)
    assert "blog/production" in found.there
    assert "fab remove other" in found.way_out


def test_a_package_installs_its_unit_without_a_start(monkeypatch):
    told = []
    monkeypatch.setattr(
        "provisioning.agent.machine.systemctl.attempt",
        lambda system, verb, *words: told.append((verb, *words)),
    )
    monkeypatch.setattr("provisioning.agent.debian.apt.install", lambda *_: told.append("apt"))
    system: System = QuietSystem()
    caddy = Packages("caddy", ("caddy",), unstarted=("nowhere-to-be-found.service",))
    caddy._install(system, ["caddy"])
    assert told == [
        ("mask", "--runtime", "nowhere-to-be-found.service"),
        "apt",
        ("unmask", "--runtime", "nowhere-to-be-found.service"),
    ]


def test_a_maintenance_that_the_new_server_would_not_understand_is_in_the_way(monkeypatch):
    system = QuietSystem()
    system.owned.put_app("hello", AppEntry("shop/production"))
    assert list(NGINX.obstacles(system, [])) == []
    mark = AppLayout("hello").maintenance
    monkeypatch.setattr(system, "stat", lambda path: path == mark or None)
    [found] = NGINX.obstacles(system, [])
    assert found.id == f"path:{mark}"
    assert "fab maintenance hello off" in found.way_out
