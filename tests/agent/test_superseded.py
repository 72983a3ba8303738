"""What an earlier Homeport needed to run an app goes as soon as nothing needs it any more."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from provisioning.agent.events import CHANGED, UNCHANGED
from provisioning.agent.layout import AppLayout
from provisioning.agent.machine.system import System
from provisioning.agent.resources import superseded
from provisioning.resources import Superseded
from tests.agent.runs import Host

RELEASE = "20260102T030405.000Z-abc1234"


@pytest.fixture
def old(root: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """What is to go: a unit, settings of temporary files, and where the app made its sockets."""
    layout = AppLayout("root")
    files = [root / "root@.service", root / "homeport-root.conf"]
    monkeypatch.setattr(Superseded, "_files", property(lambda self: [str(each) for each in files]))
    monkeypatch.setattr(System, "act", lambda self, argv, **options: self.run(["true"]))
    for each in files:
        each.write_text("x")
    sockets = Path(layout.earlier_runtime)
    (sockets / "folder" / "deep").mkdir(parents=True)
    os.mkfifo(sockets / "folder" / "pipe")
    (sockets / "out").symlink_to("/etc")
    return [*files, sockets]


def _live(*, web: bool) -> None:
    layout = AppLayout("root")
    units = Path(layout.units(RELEASE))
    units.mkdir(parents=True)
    (units / layout.process_unit("worker", 1, RELEASE)).write_text("x")
    if web:
        (units / layout.unit(RELEASE)).write_text("x")
    Path(layout.live_socket).symlink_to(layout.socket(RELEASE))


def test_it_stays_while_the_live_release_is_of_that_kind(old: list[Path], host: Host) -> None:
    _live(web=False)
    assert host.run([Superseded("root")]).statuses == {"superseded:root": UNCHANGED}
    assert all(each.exists() for each in old)


@pytest.mark.parametrize("web", [True, None])
def test_it_goes_once_the_live_release_brings_its_own_or_there_is_none(
    old: list[Path], host: Host, web: bool | None
) -> None:
    if web:
        _live(web=True)
    checked = host.check([Superseded("root")])
    assert all(each.exists() for each in old)
    ran = host.run([Superseded("root")])
    assert checked.changes == ran.changes
    assert ran.statuses == {"superseded:root": CHANGED}
    assert not [each for each in old if os.path.lexists(each)]
    assert Path("/etc/passwd").exists()
    assert host.run([Superseded("root")]).statuses == {"superseded:root": UNCHANGED}


def test_a_directory_of_that_name_that_is_not_the_apps_stays(old: list[Path], host: Host) -> None:
    os.chown(old[-1], 12345, 0)
    assert not host.run([Superseded("root")]).done.failed
    assert [each.exists() for each in old] == [False, False, True]
    assert (old[-1] / "folder" / "deep").exists()


def test_a_directory_that_is_too_full_is_left_for_the_next_boot_and_said(
    old: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(500):
        (old[-1] / f"{number}").touch()
    monkeypatch.setattr(superseded, "CLEAR_S", 0.0)
    system = System()
    Superseded("root").apply(system, {})
    assert system.notes == [
        f"warning: {old[-1]} holds too much to be removed now; the next boot removes it"
    ]
    assert old[-1].stat().st_mode & 0o777 == 0o700
    assert [each.exists() for each in old] == [False, False, True]
