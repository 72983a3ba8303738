"""systemctl stands in one place: machine/systemctl.py, and what System itself caches."""

from __future__ import annotations

from pathlib import Path

from provisioning.agent.machine import systemctl
from provisioning.agent.machine.overlay import Overlay
from provisioning.agent.machine.programs import Completed
from provisioning.agent.machine.system import System

AGENT = Path(systemctl.__file__).parents[1]


def test_no_other_file_of_the_agent_runs_systemctl() -> None:
    found = {
        path.relative_to(AGENT).as_posix()
        for path in AGENT.rglob("*.py")
        if '"systemctl"' in path.read_text()
    }
    assert found == {"machine/system.py", "machine/systemctl.py"}


def _recorded(system: System, monkeypatch) -> list[list[str]]:
    ran: list[list[str]] = []

    def run(argv, **_):
        ran.append(list(argv))
        return Completed(1, "", "Unit x.service not loaded.")

    monkeypatch.setattr(system, "run", run)
    return ran


def test_what_may_fail_does_not_raise_and_is_not_done_in_a_check(monkeypatch) -> None:
    changes = (
        systemctl.kill,
        systemctl.forget_failures,
        systemctl.forget_timers,
        systemctl.stop_meanwhile,
        systemctl.try_to_start,
        systemctl.try_to_stop,
    )
    real, imagined = System(), Overlay()
    ran, dry = _recorded(real, monkeypatch), _recorded(imagined, monkeypatch)
    for change in changes:
        change(real, "x.service")
        change(imagined, "x.service")
    assert [argv[0] for argv in ran] == ["systemctl"] * len(changes)
    assert {argv[-1] for argv in ran} == {"x.service"}
    assert dry == []


def test_a_property_of_many_units_is_asked_for_at_once(monkeypatch) -> None:
    system = System()
    asked = []

    def run(argv, **_):
        asked.append(list(argv))
        return Completed(0, "Id=a.service\nNRestarts=2\n\nId=b.service\nNRestarts=0\n", "")

    monkeypatch.setattr(system, "run", run)
    shown = systemctl.show(system, "NRestarts", "a.service", "b.service")
    assert {unit: values["NRestarts"] for unit, values in shown.items()} == {
        "a.service": "2",
        "b.service": "0",
    }
    assert asked == [["systemctl", "show", "--property=Id,NRestarts", "a.service", "b.service"]]


def test_units_that_failed_are_told_whatever_their_descriptions_say(monkeypatch) -> None:
    listed = (
        "hello-import-1.service loaded failed failed /usr/bin/python -c import app\n\n"
        "x.service: app = app.app\n"
        "nginx.service not-found failed failed nginx.service\n"
    )
    system = System()
    monkeypatch.setattr(system, "run", lambda argv, **_: Completed(0, listed, ""))
    assert systemctl.failed_units(system) == ("hello-import-1.service", "nginx.service")
