"""What killed runs left of an app: its own, all of it, and nothing that is in use."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from provisioning.agent.apps.leftovers import Leftovers
from provisioning.agent.layout import AppLayout
from provisioning.agent.system import System
from provisioning.agent.systemd import parse_list
from provisioning.resources import Ended

RELEASE, OTHER = "20260102T030405.000Z-abc1234", "20260103T030405.000Z-def5678"

LISTED = f"""\
hello-import-{RELEASE}.service loaded active running /srv/hello/venv/bin/python -c import app
hello-migrate-{RELEASE}.service loaded deactivating stop-sigterm a migration
hello-before-flip-hook-2-{RELEASE}.service loaded failed failed a hook
hello-boot.service loaded active exited hello: start the live release at boot
hello-migrate-import-{RELEASE}.service loaded active running of an app hello-migrate
hello-migrate@{RELEASE}.service loaded active running of the same
hello-{RELEASE}.service not-found inactive dead hello-{RELEASE}.service
hello@{RELEASE}.service loaded active running hello, release
root@{RELEASE}.service loaded active running root, release
"""


class Told(System):
    """A machine whose systemd says what a test wants."""

    def loaded_units(self) -> dict[str, tuple[str, str]]:
        return parse_list(LISTED)


def test_programs_of_an_app_are_told_from_those_of_apps_with_similar_names() -> None:
    assert Ended("hello").actual(Told()) == {
        "at work": f"hello-import-{RELEASE}.service hello-migrate-{RELEASE}.service",
        "failed": f"hello-before-flip-hook-2-{RELEASE}.service",
        "printed": "",
    }
    assert Ended("hello-migrate").actual(Told()) == {
        "at work": f"hello-migrate-import-{RELEASE}.service",
        "failed": "",
        "printed": "",
    }


@pytest.fixture
def layout(root: Path) -> AppLayout:
    """Return an app with a whole release, and one that is live though its manifest is gone."""
    layout = AppLayout("root")
    Path(layout.release(RELEASE)).mkdir(parents=True)
    Path(layout.release(RELEASE), "manifest.json").write_text(json.dumps({"venv": "used"}))
    Path(layout.release(OTHER)).mkdir()
    for name in ("used", "half", "whole"):
        Path(layout.venvs, name).mkdir(parents=True)
    Path(layout.venvs, "whole", ".ready").touch()
    Path(layout.live_socket).symlink_to(layout.socket(OTHER))
    return layout


def test_what_a_release_needs_stays_however_damaged_it_is(layout: AppLayout) -> None:
    left = Leftovers("root", Told())
    assert left.half_built() == [f"{layout.venvs}/half"]
    Path(layout.live_socket).unlink()
    assert left.half_built() == [layout.release(OTHER), f"{layout.venvs}/half"]


def test_what_was_being_written_is_swept_and_nothing_else(layout: AppLayout) -> None:
    begun = [
        Path(layout.root, ".live.sock.homeport-new"),
        Path(layout.env, ".1.homeport-new"),
        Path(layout.static, "deep", ".a.css.homeport-new"),
        Path(layout.releases, f"{RELEASE}.part", "code", "app.py"),
        Path(layout.socket("20260101T030405.000Z-0000000")),
    ]
    kept = [
        Path(layout.env, "1"),
        Path(layout.static, "deep", "a.css"),
        Path(layout.shared, ".mine.homeport-new"),
        Path(layout.shared, "mine.part"),
        Path(layout.socket(RELEASE)),
        Path(layout.socket(OTHER)),
    ]
    for path in (*begun, *kept):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    left = Leftovers("root", Told())
    left.sweep()
    assert [path for path in begun if path.exists()] == []
    assert [path for path in kept if not path.exists()] == []
    assert [*left.half_built(), *left.temporary()] == []
    assert Path(layout.release(RELEASE), "manifest.json").exists()
