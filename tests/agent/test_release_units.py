"""The units that a release brings: which are its web server's, and when systemd reads them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from provisioning.agent.apps import leftovers, release_services
from provisioning.agent.apps.leftovers import Leftovers
from provisioning.agent.apps.release_services import ReleaseServices, first_instances
from provisioning.agent.apps.releases import Releases
from provisioning.agent.layout import AppLayout
from provisioning.agent.machine.system import System
from provisioning.agent.resources import old_releases
from provisioning.agent.resources.old_releases import OldReleasesStopped
from tests.fakes.system import QuietSystem

RELEASE, OTHER = "20260102T030405.000Z-abc1234", "20260103T030405.000Z-def5678"
WEB = [f"root@{RELEASE}.service", f"root@{RELEASE}.socket"]
BESIDE = [
    "root.nightly.service",
    "root.nightly.timer",
    f"root.worker.1@{RELEASE}.service",
    f"root.worker.2@{RELEASE}.service",
]


def _system(*loaded: str, stale: str = "no") -> QuietSystem:
    """Return a machine on which these units are active."""

    def answer(argv: Sequence[str]) -> str:
        names = argv[3:] if argv[1] == "show" else ()
        return "\n".join(
            f"Id={name}\nActiveState=active\nNeedDaemonReload={stale}\n" for name in names
        )

    return QuietSystem(dict.fromkeys(loaded, ("active", "running")), answer)


def _done(system: QuietSystem) -> list[str]:
    """Return what was started there but for what only reads."""
    return [" ".join(argv) for argv in system.told if "show" not in argv]


@pytest.fixture
def runtime(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where systemd looks for the units of this boot; a release is there, and live."""
    path = root / "run"
    path.mkdir()
    for module in (release_services, leftovers):
        monkeypatch.setattr(module, "RUNTIME_UNITS", str(path))
    layout = AppLayout("root")
    Path(layout.units(RELEASE)).mkdir(parents=True)
    for name in (*WEB, *BESIDE):
        Path(layout.units(RELEASE), name).write_text(name)
    Path(layout.live_socket).symlink_to(layout.socket(RELEASE))
    return path


def test_a_web_server_is_told_from_what_runs_beside_it(runtime: Path) -> None:
    units = ReleaseServices("root", _system())
    assert sorted(units.web_files(RELEASE)) == WEB
    assert sorted(units.files(RELEASE)) == BESIDE
    assert list(first_instances(units, RELEASE)) == [f"root.worker.1@{RELEASE}.service"]
    assert units.web_files(OTHER) == units.files(OTHER) == units.web_files("") == {}


def test_units_that_systemd_has_never_seen_need_no_reload(runtime: Path) -> None:
    system = _system(WEB[0].replace(RELEASE, OTHER))
    units = ReleaseServices("root", system)
    units.install(units.web_files(RELEASE))
    assert sorted(path.name for path in runtime.iterdir()) == WEB
    assert _done(system) == []
    units.install(units.web_files(RELEASE))
    assert _done(system) == []


@pytest.mark.parametrize(
    "case", ["changed and loaded", "a timer", "there but stale", "there and known"]
)
def test_systemd_reads_its_units_anew_where_it_has_others_in_mind(runtime: Path, case: str) -> None:
    system = _system(*WEB, stale="yes" if "stale" in case else "no")
    units = ReleaseServices("root", system)
    files = units.web_files(RELEASE)
    if case == "a timer":
        files = {"root.nightly.timer": b"x"}
    for name, content in files.items():
        (runtime / name).write_bytes(content if case.startswith("there") else b"another")
    units.install(files)
    reloaded = ["systemctl daemon-reload"] if case != "there and known" else []
    assert _done(system) == reloaded
    assert {path.name: path.read_bytes() for path in runtime.iterdir()} == files


def test_a_web_server_whose_unit_is_gone_or_edited_is_not_right(runtime: Path) -> None:
    units = ReleaseServices("root", _system())
    units.install({**units.files(RELEASE), **units.web_files(RELEASE)})
    assert units.wrong() == []
    (runtime / WEB[0]).write_text("edited")
    (runtime / WEB[1]).unlink()
    assert units.wrong() == WEB
    # Those of another release are no leftovers of processes.
    (runtime / f"root@{OTHER}.socket").touch()
    assert units.leftovers() == []


def test_what_is_forgotten_is_both_of_a_web_server_and_nothing_else(runtime: Path) -> None:
    units = ReleaseServices("root", _system())
    units.install({**units.files(RELEASE), **units.web_files(RELEASE)})
    units.forget_web(RELEASE)
    assert sorted(path.name for path in runtime.iterdir()) == BESIDE


def test_the_socket_is_where_the_homeport_that_made_the_release_has_it(runtime: Path) -> None:
    releases, layout = Releases("root", System()), AppLayout("root")
    assert releases.socket(RELEASE) == layout.socket(RELEASE)
    assert releases.socket(OTHER) == layout.earlier_socket(OTHER)


def test_a_release_that_an_earlier_homeport_made_is_told_to_lack_its_units(
    runtime: Path,
) -> None:
    """Without them it would be an instance of a template that is no longer there."""
    release = Path(AppLayout("root").release(RELEASE))
    (release / "code").mkdir()
    (release / "venv" / "bin").mkdir(parents=True)
    for name in ("venv/bin/python", "venv/.ready", "env", "server.py"):
        (release / name).touch()
    releases = Releases("root", System())
    assert releases.lacks(RELEASE) == []
    (release / "units" / WEB[0]).unlink()
    assert releases.lacks(RELEASE) == ["web server's own unit"]


def test_a_release_lacks_what_its_manifest_lists_and_is_gone(runtime: Path) -> None:
    release = Path(AppLayout("root").release(RELEASE))
    for name in ("code", "image"):
        (release / name).touch()
    parts = {"code": "code", "image": "image", "file deep.ini": "conf/deep.ini"}
    (release / "manifest.json").write_text(json.dumps({"release": RELEASE, "parts": parts}))
    releases = Releases("root", System())
    assert releases.lacks(RELEASE) == ["file deep.ini"]
    (release / "image").unlink()
    assert releases.lacks(RELEASE) == ["image", "file deep.ini"]


@pytest.mark.parametrize("loaded", ["socket", "service", "both"])
def test_a_release_of_which_either_is_left_is_retired(runtime: Path, loaded: str) -> None:
    layout = AppLayout("root")
    kinds = ["socket", "service"] if loaded == "both" else [loaded]
    system = _system(*WEB, *(f"root@{OTHER}.{kind}" for kind in kinds))
    retired = OldReleasesStopped("root", drain_timeout_s=0)
    assert retired.actual(system)["running"] == OTHER
    units = Path(layout.units(OTHER))
    units.mkdir(parents=True)
    socket = Path(layout.socket(OTHER))
    socket.parent.mkdir(parents=True)
    socket.touch()
    for name in layout.web_units(OTHER):
        (units / name).write_text("x")
        (runtime / name).write_text("x")
    (units.parent / "manifest.json").write_text("{}")
    retired.apply(system, {})
    names = " ".join(f"root@{OTHER}.{kind}" for kind in kinds)
    assert _done(system)[0] == f"systemctl stop {names}"
    assert f"systemctl kill --signal=KILL root@{OTHER}.{kinds[-1]}" in _done(system)
    assert not [line for line in _done(system) if RELEASE in line]
    assert not socket.exists()
    assert list(runtime.iterdir()) == []
    assert Releases("root", system).history()[-1].event == "retired"


@pytest.mark.parametrize("left", [0, 2])
def test_what_the_drain_leaves_open_is_told_before_its_server_ends_it(
    runtime: Path, monkeypatch: pytest.MonkeyPatch, left: int
) -> None:
    said: list[str] = []
    system = _system(f"root@{OTHER}.service")
    system.say = said.append  # type: ignore[method-assign]
    monkeypatch.setattr(old_releases, "connections", lambda path: left)
    OldReleasesStopped("root", drain_timeout_s=0).apply(system, {})
    told = f"release {OTHER} still has {left} requests in flight; its server ends them now"
    assert said == ([told] if left else [])


def test_a_release_that_systemd_forgets_while_another_is_retired_stops_nothing(
    runtime: Path,
) -> None:
    system = _system(f"root@{OTHER}.service")
    loaded = dict(system.loaded)
    system.forget_cached = lambda: None  # type: ignore[method-assign]

    def forgetful() -> dict[str, tuple[str, str]]:
        """Once asked for, it is gone: nothing refers to it any more."""
        found = dict(loaded)
        loaded.clear()
        return found

    system.loaded_units = forgetful  # type: ignore[method-assign]
    OldReleasesStopped("root", drain_timeout_s=0).apply(system, {})
    assert not [line for line in _done(system) if line.strip() == "systemctl stop"]
    assert Releases("root", system).history()[-1].event == "retired"


def test_a_socket_stays_while_systemd_knows_anything_of_its_release(runtime: Path) -> None:
    layout = AppLayout("root")
    dead = "20260101T030405.000Z-0000000"
    for release in (RELEASE, OTHER, dead):
        Path(layout.socket(release)).parent.mkdir(parents=True, exist_ok=True)
        Path(layout.socket(release)).touch()
    for kind in ("socket", "service"):
        left = Leftovers("root", _system(f"root@{OTHER}.{kind}"))
        assert left.temporary() == [layout.socket(dead)]


# Of what there must never be two


BEAT = f"root.beat.1@{RELEASE}.service"
OLD = [f"root.beat.1@{OTHER}.service", f"root.worker.1@{OTHER}.service"]


@pytest.mark.parametrize("who", ["new", "old", "both", "none"])
def test_the_old_one_has_ended_before_the_new_one_starts(runtime: Path, who: str) -> None:
    """It is enough that one of two releases says so; others run side by side."""
    system = _system(*OLD)
    units = ReleaseServices("root", system)
    for name in OLD:
        is_alone = "beat" in name and who in ("old", "both")
        (runtime / name).write_bytes(release_services.ALONE if is_alone else b"[Service]\n")
    ours = release_services.ALONE if who in ("new", "both") else b"[Service]\n"
    units.start({BEAT: ours, BESIDE[1]: b"[Timer]\n", BESIDE[2]: b"[Service]\n"})
    done = _done(system)
    stops = [each for each in done if each.startswith("systemctl stop")]
    assert stops == ([f"systemctl stop {OLD[0]}"] if who != "none" else [])
    starts = [each for each in done if each.startswith("systemctl start")]
    assert starts == [f"systemctl start {BEAT} {BESIDE[1]} {BESIDE[2]}"]
    assert done.index(starts[0]) > max(map(done.index, stops), default=-1)
    assert (runtime / OLD[0]).exists() is (who == "none")
    assert (runtime / OLD[1]).exists()


def test_what_was_stopped_for_a_release_that_is_refused_comes_back(runtime: Path) -> None:
    Path(AppLayout("root").units(RELEASE), BEAT).write_bytes(release_services.ALONE)
    refused = f"root.beat.1@{OTHER}.service"
    (runtime / refused).write_bytes(release_services.ALONE)
    system = _system(refused)
    ReleaseServices("root", system).start_what_is_live()
    done = _done(system)
    assert done.index(f"systemctl stop {refused}") < next(
        number for number, each in enumerate(done)
        if each.startswith("systemctl start") and BEAT in each
    )  # fmt: skip
    assert (runtime / BEAT).exists()
    assert not (runtime / refused).exists()


def test_the_instances_of_one_release_are_no_rivals(runtime: Path) -> None:
    system = _system(BEAT)
    (runtime / BEAT).write_bytes(release_services.ALONE)
    second = BEAT.replace(".1@", ".2@")
    ReleaseServices("root", system).start({second: release_services.ALONE})
    assert not [each for each in _done(system) if each.startswith("systemctl stop")]
