"""Packages with alternatives: a host that has one of them has what is wanted."""

from __future__ import annotations

import pytest

from provisioning.agent.resource import differences
from provisioning.resources import Packages
from tests.fakes.system import InstalledSystem

CLOCK = "systemd-timesyncd | chrony | ntpsec"


@pytest.mark.parametrize("there", ["systemd-timesyncd", "chrony", "ntpsec"])
def test_any_of_them_will_do(there: str) -> None:
    packages = Packages("base", (CLOCK,))
    assert not differences(packages.desired(), packages.actual(InstalledSystem(there)))
    assert packages.lacking({there: "1.0"}) == []


def test_where_there_is_none_the_first_is_installed() -> None:
    packages = Packages("base", ("python3", CLOCK))
    assert packages.lacking({"python3": "3.11"}) == ["systemd-timesyncd"]
    assert differences(packages.desired(), packages.actual(InstalledSystem("python3")))


PAGE = "/var/www/html/a-page-that-nobody-has.html"


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> InstalledSystem:
    def install(system: InstalledSystem, names: list[str]) -> None:
        system.names = (*system.names, *names)
        if system.stat(PAGE) is None:
            system.write(PAGE, b"It works!")
        if system.dies:
            raise KeyboardInterrupt

    monkeypatch.setattr("provisioning.agent.debian.apt.install", install)
    machine = InstalledSystem()
    machine.owner = "project/production"
    # Its changes are only imagined; what is under test must not take it for a check.
    machine.dry = False
    return machine


def _converge(packages: Packages, machine: InstalledSystem) -> dict[str, object]:
    change = differences(packages.desired(), packages.actual(machine))
    if change:
        packages.apply(machine, change)
    return dict(change)


def test_a_page_that_nobody_asked_for_goes(machine: InstalledSystem) -> None:
    packages = Packages("web", ("nginx",), unasked=(PAGE,))
    assert _converge(packages, machine) == {"nginx": ("absent", "installed")}
    assert machine.stat(PAGE) is None
    assert not machine.owned.things()


def test_a_page_that_was_there_stays(machine: InstalledSystem) -> None:
    machine.write(PAGE, b"theirs")
    packages = Packages("web", ("nginx",), unasked=(PAGE,))
    _converge(packages, machine)
    assert machine.read(PAGE) == b"theirs"
    assert _converge(packages, machine) == {}


def test_a_run_that_is_cut_off_leaves_the_page_to_the_next_one(machine: InstalledSystem) -> None:
    packages = Packages("web", ("nginx",), unasked=(PAGE,))
    machine.dies = True
    with pytest.raises(KeyboardInterrupt):
        _converge(packages, machine)
    assert f"path:{PAGE}" in machine.owned.things()
    assert _converge(packages, machine) == {PAGE: ("left by an interrupted run", None)}
    assert machine.stat(PAGE) is None
    assert not machine.owned.things()


def test_a_page_that_comes_back_by_hand_stays(machine: InstalledSystem) -> None:
    packages = Packages("web", ("nginx",), unasked=(PAGE,))
    _converge(packages, machine)
    machine.write(PAGE, b"theirs")
    assert _converge(packages, machine) == {}


def test_a_check_knows_that_a_removal_is_not_imagined(machine: InstalledSystem) -> None:
    """What comes later is not tested on a host that still has the package."""
    machine.dry, machine.names = True, ("apache2",)
    assert _converge(Packages("web", absent=("apache2",)), machine)
    assert machine.acted


def test_a_check_removes_a_page_that_is_left_without_asking_apt(machine: InstalledSystem) -> None:
    machine.dry, machine.names = True, ("nginx",)
    machine.owned.add(machine.owner, [f"path:{PAGE}"])
    machine.write(PAGE, b"It works!")
    assert _converge(Packages("web", ("nginx",), unasked=(PAGE,)), machine)
    assert not machine.acted
    assert machine.stat(PAGE) is None
