"""What killed runs left of an app: its own, all of it, and nothing that is in use."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from provisioning.agent.answers import HistoryEvent
from provisioning.agent.apps.current_link import CurrentLink
from provisioning.agent.apps.history import History
from provisioning.agent.apps.leftovers import Leftovers
from provisioning.agent.apps.names import say_strangers
from provisioning.agent.layout import AppLayout
from provisioning.agent.machine.systemd import parse_list
from provisioning.resources import NoLeftoverPrograms, Pruned
from tests.fakes.system import QuietSystem

RELEASE, OTHER = "20260102T030405.000Z-abc1234", "20260103T030405.000Z-def5678"

USED, HALF, WHOLE = "0" * 16, "1" * 16, "2" * 16
"""Names of virtualenvs."""

LISTED = f"""\
hello-import-{RELEASE}.service loaded active running /srv/hello/venv/bin/python -c import app
hello-migrate-{RELEASE}.service loaded deactivating stop-sigterm a migration
hello-before-switch-hook-2-{RELEASE}.service loaded failed failed a hook
hello-boot.service loaded active exited hello: start the live release at boot
hello-migrate-import-{RELEASE}.service loaded active running of an app hello-migrate
hello-migrate@{RELEASE}.service loaded active running of the same
hello-{RELEASE}.service not-found inactive dead hello-{RELEASE}.service
hello@{RELEASE}.service loaded active running hello, release
root@{RELEASE}.service loaded active running root, release
"""


def _system() -> QuietSystem:
    return QuietSystem(parse_list(LISTED))


def test_programs_of_an_app_are_told_from_those_of_apps_with_similar_names() -> None:
    assert NoLeftoverPrograms("hello").actual(_system()) == {
        "at work": f"hello-import-{RELEASE}.service hello-migrate-{RELEASE}.service",
        "failed": f"hello-before-switch-hook-2-{RELEASE}.service",
        "printed": "",
    }
    assert NoLeftoverPrograms("hello-migrate").actual(_system()) == {
        "at work": f"hello-migrate-import-{RELEASE}.service",
        "failed": "",
        "printed": "",
    }


@pytest.fixture
def layout(root: Path) -> AppLayout:
    """Return an app with a whole release, and one that is live though its manifest is gone."""
    layout = AppLayout("root")
    Path(layout.release(RELEASE)).mkdir(parents=True)
    Path(layout.release(RELEASE), "manifest.json").write_text(json.dumps({"venv": USED}))
    Path(layout.release(OTHER)).mkdir()
    for name in (USED, HALF, WHOLE):
        Path(layout.venvs, name).mkdir(parents=True)
    Path(layout.venvs, WHOLE, ".ready").touch()
    Path(layout.live_socket).symlink_to(layout.socket(OTHER))
    return layout


def test_what_a_release_needs_stays_however_damaged_it_is(layout: AppLayout) -> None:
    left = Leftovers("root", _system())
    assert left.half_built() == [f"{layout.venvs}/{HALF}"]
    Path(layout.live_socket).unlink()
    assert left.half_built() == [layout.release(OTHER), f"{layout.venvs}/{HALF}"]


def test_what_was_being_written_is_swept_and_nothing_else(layout: AppLayout) -> None:
    begun = [
        Path(layout.root, ".live.sock.homeport-new"),
        Path(layout.env, ".1.homeport-new"),
        Path(layout.static, "deep", ".a.css.homeport-new"),
        Path(layout.static, ".folder.homeport-new", "deep", "b.css"),
        Path(layout.releases, f"{RELEASE}.part", "code", "app.py"),
        Path(layout.releases, f"{RELEASE}.part.part", "code", "app.py"),
        Path(layout.venvs, f"{USED}.part", "pyvenv.cfg"),
        Path(layout.socket("20260101T030405.000Z-0000000")),
    ]
    kept = [
        Path(layout.env, "1"),
        Path(layout.static, "deep", "a.css"),
        Path(layout.shared, ".mine.homeport-new"),
        Path(layout.shared, "mine.part"),
        # Homeport gives no such names.
        Path(layout.releases, "old", "data.db"),
        Path(layout.releases, "20260101120000", "data.db"),
        Path(layout.releases, "mine.part", "data.db"),
        Path(layout.venvs, "main", "pyvenv.cfg"),
        Path(layout.venvs, "main.part", "pyvenv.cfg"),
        Path(layout.env, "prod"),
        Path(layout.socket(RELEASE)),
        Path(layout.socket(OTHER)),
    ]
    for path in (*begun, *kept):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    left = Leftovers("root", _system())
    left.sweep()
    assert [path for path in begun if path.exists()] == []
    assert [path for path in kept if not path.exists()] == []
    assert [*left.half_built(), *left.temporary()] == []
    assert Path(layout.release(RELEASE), "manifest.json").exists()


def test_what_has_another_name_than_homeport_gives_is_never_pruned(layout: AppLayout) -> None:
    kept = [
        Path(layout.releases, "20260101120000", "data.db"),
        Path(layout.releases, "old"),
        Path(layout.venvs, "main", "x"),
        Path(layout.env, "prod"),
    ]
    gone = [
        Path(layout.releases, "20250101T030405.000Z-abc1234", "manifest.json"),
        Path(layout.releases, "20250102T030405.000Z-abc1234.part", "code"),
        Path(layout.env, "0123456789ab"),
        Path(layout.venvs, HALF),
        Path(layout.venvs, WHOLE),
    ]
    for path in (*kept, *gone):
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_text("{}")
    system = _system()
    Path(layout.release(OTHER), "manifest.json").write_text(json.dumps({"release": OTHER}))
    History("root", system).record(HistoryEvent("live", RELEASE))
    History("root", system).record(HistoryEvent("live", OTHER))
    Pruned("root", keep=1).apply(system, {})
    assert Pruned("root", keep=1).actual(system) == {"to remove": ""}
    assert [path for path in kept if not path.exists()] == []
    assert [path for path in gone if path.exists()] == []


def test_what_has_another_name_is_said_once_and_when_there_is_more(layout: AppLayout) -> None:
    system = _system()

    def said() -> list[str]:
        say_strangers("root", system)
        notes, system.notes = system.notes, []
        return notes

    assert said() == []
    Path(layout.venvs, "main").mkdir()
    Path(layout.current).symlink_to("releases/20260101120000")
    assert said() == [
        "left in place, because Homeport did not make it: "
        f"{layout.venvs}/main, {layout.current}"
    ]  # fmt: skip
    assert said() == []
    Path(layout.releases, "old").mkdir()
    assert [f"{layout.releases}/old" in note for note in said()] == [True]
    assert said() == []


@pytest.mark.parametrize("kind", ["link", "folder", "file"])
def test_a_current_of_somebody_elses_is_left_alone(layout: AppLayout, kind: str) -> None:
    current = Path(layout.current)
    {
        "link": lambda: current.symlink_to("releases/20260101120000"),
        "folder": lambda: current.mkdir(),
        "file": lambda: current.write_text("x"),
    }[kind]()
    before = current.lstat()
    link = CurrentLink("root", _system())
    for live in (True, False):
        if not live:
            Path(layout.live_socket).unlink()
        assert link.is_right
        link.follow()
        assert current.lstat() == before
    current.rmdir() if kind == "folder" else current.unlink()
    assert link.is_right
    Path(layout.live_socket).symlink_to(layout.socket(OTHER))
    assert not link.is_right
    link.follow()
    assert current.readlink() == Path("releases", OTHER)
