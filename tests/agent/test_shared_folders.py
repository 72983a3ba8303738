"""The folders that an app writes to: made by root, in a place that is the app's."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from provisioning.agent.apps import shared
from provisioning.agent.errors import AgentError
from provisioning.agent.layout import AppLayout
from provisioning.agent.resource import differences
from provisioning.resources import SharedFolders
from tests.agent.runs import listing
from tests.fakes.system import AppSystem, CheckedAppSystem

APP = 12345
RELEASE = "20260102T030405.000Z-abc1234"


@pytest.fixture
def top(root: Path) -> Path:
    path = Path(AppLayout("hello").shared)
    path.mkdir(parents=True, mode=0o750)
    os.chown(path, APP, APP + 1)
    return path


@pytest.fixture
def outside(root: Path) -> Path:
    path = root / "outside"
    (path / "uploads").mkdir(parents=True)
    (path / "secret").write_text("root's")
    return path


def _release_has(*paths: str, of_files: tuple[str, ...] = ()) -> None:
    """Have a live release with these."""
    layout = AppLayout("hello")
    directory = Path(layout.release(RELEASE))
    directory.mkdir(parents=True)
    manifest = {"app": "hello", "release": RELEASE, "shared": paths, "shared_files": of_files}
    (directory / "manifest.json").write_text(json.dumps(manifest))
    Path(layout.live_socket).symlink_to(layout.socket(RELEASE))


def _about(path: Path) -> tuple[int, int, int]:
    found = path.lstat()
    return found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)


ITS_OWN = (APP, APP + 1, 0o750)


@pytest.mark.parametrize(
    ("paths", "found"),
    [
        ([], []),
        (["a"], ["a"]),
        (["var/log/x", "var/y", "var"], ["var", "var/log", "var/log/x", "var/y"]),
        (["/a/b/"], ["a", "a/b"]),
    ],
)
def test_folders_above_come_first_and_once(paths: list[str], found: list[str]) -> None:
    assert shared.prefixes(paths) == found


def test_folders_that_the_live_release_lacks_are_made_and_become_the_apps(top: Path) -> None:
    folders = SharedFolders("hello", ("instance", "var/log"))
    _release_has("instance", "var/log")
    system = AppSystem(APP, APP + 1)
    change = differences(folders.desired(), folders.actual(system))
    assert folders.actual(system) == {"to put right": "instance var var/log"}
    folders.apply(system, change)
    assert folders.actual(system) == {"to put right": ""}
    for name in ("instance", "var", "var/log"):
        assert _about(top / name) == ITS_OWN
    assert system.notes == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.chmod(0o777),
        lambda path: path.chmod(0o2750),
        lambda path: os.chown(path, 0, 0),
        lambda path: os.chown(path, APP, 0),
        lambda path: path.rmdir(),
    ],
)
def test_what_became_of_a_folder_is_put_right_and_foretold(
    damage: Callable[[Path], object], top: Path
) -> None:
    folders = SharedFolders("hello", ("var/log",))
    _release_has("var/log")
    folders.apply(AppSystem(APP, APP + 1), {})
    damage(top / "var" / "log")
    before = listing(top)
    checked = CheckedAppSystem(APP, APP + 1)
    assert folders.actual(checked) == {"to put right": "var/log"}
    folders.apply(checked, {})
    assert folders.actual(checked) == {"to put right": ""}
    assert listing(top) == before
    assert folders.actual(AppSystem(APP, APP + 1)) == {"to put right": "var/log"}
    folders.apply(AppSystem(APP, APP + 1), {})
    assert _about(top / "var" / "log") == ITS_OWN


def test_a_check_foretells_all_of_them(root: Path) -> None:
    folders = SharedFolders("hello", ("var/log", "instance"))
    Path(AppLayout("hello").root).mkdir(parents=True)
    _release_has("var/log", "instance")
    checked = CheckedAppSystem(APP, APP + 1)
    checked.make_directory(AppLayout("hello").shared)
    assert folders.actual(checked) == {"to put right": "var var/log instance"}
    folders.apply(checked, {})
    assert folders.actual(checked) == {"to put right": ""}


def test_before_the_first_release_nobody_guesses_what_is_a_folder(top: Path) -> None:
    folders = SharedFolders("hello", ("data/db.sqlite3", "media"))
    for system in (CheckedAppSystem(APP, APP + 1), AppSystem(APP, APP + 1)):
        assert folders.actual(system) == folders.desired()
    assert list(top.iterdir()) == []


def test_files_are_left_to_the_app_and_the_folders_above_them_are_not(top: Path) -> None:
    folders = SharedFolders("hello", ("data/db.sqlite3", "made.db", "yet.db"))
    _release_has("data/db.sqlite3", "made.db", "yet.db", of_files=("data/db.sqlite3", "yet.db"))
    (top / "data").mkdir()
    for path in (top / "data" / "db.sqlite3", top / "made.db"):
        path.write_text("rows")
        path.chmod(0o640)
    for system in (CheckedAppSystem(APP, APP + 1), AppSystem(APP, APP + 1)):
        assert folders.actual(system) == {"to put right": "data"}
        folders.apply(system, {})
        assert folders.actual(system) == folders.desired()
        assert system.notes == []
    assert _about(top / "data") == ITS_OWN
    assert _about(top / "made.db")[2] == 0o640
    assert not (top / "yet.db").exists()


OBSTACLES: dict[str, Callable[[Path, Path], object]] = {
    "a link": lambda path, outside: path.symlink_to(outside),
    "a link to nowhere": lambda path, outside: path.symlink_to("/nowhere"),
    "a file": lambda path, outside: path.write_text("x"),
    "a pipe": lambda path, outside: os.mkfifo(path),
}


@pytest.mark.timeout(30)
@pytest.mark.parametrize("what", OBSTACLES)
@pytest.mark.parametrize("where", ["var", "var/log"])
def test_what_the_app_has_put_in_the_way_stays_and_stops_nothing(
    what: str, where: str, top: Path, outside: Path
) -> None:
    _release_has("var/log", "instance")
    if where != "var":
        (top / "var").mkdir(mode=0o750)
        os.chown(top / "var", APP, APP + 1)
    OBSTACLES[what](top / where, outside)
    before, theirs = listing(outside), listing(top)
    folders = SharedFolders("hello", ("var/log", "instance"))
    for system in (CheckedAppSystem(APP, APP + 1), AppSystem(APP, APP + 1)):
        assert folders.actual(system) == {"to put right": "instance"}
        folders.apply(system, {})
        assert folders.actual(system) == {"to put right": ""}
    # Whoever makes it all the same, since it was no link a moment ago, leaves it alone, too.
    system = AppSystem(APP, APP + 1)
    shared.make("hello", "var/log", system)
    assert system.notes == [
        f"warning: {top}/var/log is left as it is: the app has replaced it with something "
        "else, or is moving it"
    ]
    assert listing(outside) == before
    left = listing(top)
    assert {name: left[name] for name in theirs if name != "."} == {
        name: about for name, about in theirs.items() if name != "."
    }


def test_an_app_without_a_user_is_an_error_that_says_so(top: Path) -> None:
    Path(AppLayout("other").shared).mkdir(parents=True)
    with pytest.raises(AgentError, match="no such user"):
        shared.make("other", "uploads", AppSystem(APP, APP + 1))


# What a release brings


@pytest.fixture
def brought(root: Path, outside: Path) -> Path:
    path = root / "release" / "uploads"
    (path / "deep").mkdir(parents=True)
    (path / "first").write_text("1")
    (path / "deep" / "tool").write_text("#!/bin/sh\n")
    (path / "deep" / "tool").chmod(0o755)
    (path / "link").symlink_to(outside / "secret")
    return path


def test_a_folder_begins_with_what_the_release_brought_as_the_apps_own(
    top: Path, brought: Path, outside: Path
) -> None:
    before = listing(outside)
    system = AppSystem(APP, APP + 1)
    shared.begin(system, "hello", "var/uploads", str(brought))
    made = top / "var" / "uploads"
    assert (made / "first").read_text() == "1"
    assert (made / "link").readlink() == outside / "secret"
    assert {_about(path)[:2] for path in (top / "var", made, *made.rglob("*"))} == {(APP, APP + 1)}
    assert _about(made) == _about(top / "var") == ITS_OWN
    assert _about(made / "deep" / "tool")[2] == 0o755
    assert listing(outside) == before
    assert system.notes == []
    assert not Path(AppLayout("hello").root, shared.BEGINNING).exists()


@pytest.mark.parametrize("source", ["nothing", "a file", "a link"])
def test_a_folder_of_which_nothing_was_brought_begins_empty(
    top: Path, root: Path, outside: Path, source: str
) -> None:
    path = root / "source"
    if source == "a file":
        path.write_text("x")
    elif source == "a link":
        path.symlink_to(outside)
    shared.begin(AppSystem(APP, APP + 1), "hello", "uploads", str(path))
    assert _about(top / "uploads") == ITS_OWN
    assert list((top / "uploads").iterdir()) == []


def test_what_is_there_already_stays_as_it_is(top: Path, brought: Path, outside: Path) -> None:
    for name, make in OBSTACLES.items():
        make(top / name, outside)
    (top / "folder").mkdir()
    (top / "folder" / "written").write_text("by the app")
    before = listing(outside), listing(top)
    for path in top.iterdir():
        shared.begin(AppSystem(APP, APP + 1), "hello", path.name, str(brought))
    assert (listing(outside), listing(top)) == before


@pytest.mark.parametrize("what", OBSTACLES)
def test_a_beginning_is_not_put_where_the_app_has_something_in_the_way(
    what: str, top: Path, brought: Path, outside: Path
) -> None:
    OBSTACLES[what](top / "var", outside)
    before = listing(outside)
    system = AppSystem(APP, APP + 1)
    shared.begin(system, "hello", "var/uploads", str(brought))
    assert system.notes == [
        f"warning: {top}/var is left as it is: the app has replaced it with something else, "
        "or is moving it"
    ]
    assert listing(outside) == before


def test_what_a_killed_run_has_begun_is_no_part_of_the_next_beginning(
    top: Path, brought: Path, outside: Path
) -> None:
    begun = Path(AppLayout("hello").root, shared.BEGINNING)
    (begun / "half").mkdir(parents=True)
    (begun / "out").symlink_to(outside)
    shared.begin(AppSystem(APP, APP + 1), "hello", "uploads", str(brought))
    assert sorted(path.name for path in (top / "uploads").iterdir()) == ["deep", "first", "link"]
    assert (outside / "secret").exists()


def test_nobody_else_reaches_a_beginning_before_it_is_whole(
    top: Path, brought: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its folders become the app's one by one: until the end, root's directory keeps it out."""
    seen: list[int] = []
    give = shared.files.give_tree

    def look(path: str, user: int, group: int) -> None:
        seen.append(stat.S_IMODE(Path(path).stat().st_mode))
        give(path, user, group)

    monkeypatch.setattr(shared.files, "give_tree", look)
    shared.begin(AppSystem(APP, APP + 1), "hello", "uploads", str(brought))
    shared.begin(AppSystem(APP, APP + 1), "hello", "empty", "/nowhere")
    assert seen == [0o700, 0o700]
    assert _about(top / "uploads") == _about(top / "empty") == ITS_OWN


# Files


@pytest.fixture
def database(root: Path) -> Path:
    path = root / "release" / "db.sqlite3"
    path.parent.mkdir()
    path.write_text("rows of the release")
    return path


ITS_FILE = (APP, APP + 1, shared.FILE_MODE)


def test_a_file_begins_as_the_release_has_it_and_what_is_there_wins(
    top: Path, database: Path
) -> None:
    system = AppSystem(APP, APP + 1)
    shared.begin_file(system, "hello", "data/db.sqlite3", str(database))
    made = top / "data" / "db.sqlite3"
    assert _about(made) == ITS_FILE
    assert _about(made.parent) == ITS_OWN
    assert made.stat().st_nlink == 1
    assert database.read_text() == made.read_text() == "rows of the release"
    made.write_text("rows of the app")
    made.chmod(0o640)
    shared.begin_file(system, "hello", "data/db.sqlite3", str(database))
    assert made.read_text() == "rows of the app"
    assert _about(made)[2] == 0o640
    assert system.notes == []
    assert not Path(AppLayout("hello").root, shared.BEGINNING).exists()


def test_a_file_that_no_release_has_is_the_apps_to_make(top: Path, root: Path) -> None:
    shared.begin_file(AppSystem(APP, APP + 1), "hello", "data/db.sqlite3", str(root / "nothing"))
    assert _about(top / "data") == ITS_OWN
    assert list((top / "data").iterdir()) == []


def test_an_empty_folder_in_the_place_of_a_file_goes(top: Path, database: Path) -> None:
    (top / "db.sqlite3").mkdir()
    shared.begin_file(AppSystem(APP, APP + 1), "hello", "db.sqlite3", str(database))
    assert (top / "db.sqlite3").read_text() == "rows of the release"


def test_a_folder_with_something_in_it_is_no_file(top: Path, database: Path) -> None:
    (top / "db.sqlite3" / "kept").mkdir(parents=True)
    with pytest.raises(AgentError, match="as a file: it is a folder, and not empty"):
        shared.begin_file(AppSystem(APP, APP + 1), "hello", "db.sqlite3", str(database))
    assert (top / "db.sqlite3" / "kept").is_dir()


@pytest.mark.parametrize("what", [each for each in OBSTACLES if each != "a file"])
def test_what_the_app_has_put_in_a_files_place_stays(
    what: str, top: Path, database: Path, outside: Path
) -> None:
    OBSTACLES[what](top / "db.sqlite3", outside)
    before = listing(outside), listing(top)
    shared.begin_file(AppSystem(APP, APP + 1), "hello", "db.sqlite3", str(database))
    assert (listing(outside), listing(top)) == before
    assert not shared.is_file("hello", "db.sqlite3")


def test_a_link_above_a_file_leads_nowhere(top: Path, database: Path, outside: Path) -> None:
    (top / "data").symlink_to(outside)
    before = listing(outside)
    system = AppSystem(APP, APP + 1)
    shared.begin_file(system, "hello", "data/db.sqlite3", str(database))
    assert listing(outside) == before
    assert len(system.notes) == 1
    assert not shared.is_file("hello", "data/secret")
