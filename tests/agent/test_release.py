"""A release's directory: shared with earlier ones, and built without running any of its code."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from provisioning.agent.answers import HistoryEvent
from provisioning.agent.apps.history import History
from provisioning.agent.apps.in_use import in_use
from provisioning.agent.apps.releases import Releases
from provisioning.agent.layout import AppLayout
from provisioning.agent.machine.system import System
from provisioning.resources import Pruned, Release
from tests.agent.runs import Host
from tests.agent.samples import PYTHON

FIRST, SECOND = "20260102T030405.000Z-abc1234", "20260103T030405.000Z-def5678"


@pytest.fixture
def layout(root: Path) -> AppLayout:
    layout = AppLayout("root")
    for path in (layout.releases, layout.env, layout.shared, f"{layout.venvs}/v/bin"):
        Path(path).mkdir(parents=True)
    Path(layout.venvs, "v", "bin", "python").symlink_to(PYTHON)
    return layout


def _release(layout: AppLayout, release: str, files: dict[str, str], **options: object) -> Release:
    given: dict[str, object] = {
        "env": "{}", "proposed": "{}", "python": PYTHON, **options
    }  # fmt: skip
    return Release(
        app="root", release=release, files=files, runtime=f"{layout.venvs}/v", **given  # type: ignore[arg-type]
    )  # fmt: skip


def test_what_an_earlier_release_has_is_shared_and_not_sent_again(
    layout: AppLayout, host: Host
) -> None:
    host.run([_release(layout, FIRST, {"a.py": "a = 1\n", "b.py": "b = 1\n"})])
    second = _release(layout, SECOND, {"a.py": "a = 1\n", "b.py": "b = 2\n"})
    lacking = {blob.data for blob in second.missing(System())}
    assert b"a = 1\n" not in lacking
    assert b"b = 2\n" in lacking
    assert not host.run([second]).done.failed
    first_code, second_code = Path(layout.code(FIRST)), Path(layout.code(SECOND))
    assert (first_code / "a.py").samefile(second_code / "a.py")
    assert (first_code / "b.py").read_text() == "b = 1\n"
    assert (second_code / "b.py").read_text() == "b = 2\n"


def test_a_file_of_an_earlier_release_that_was_edited_is_not_believed(
    layout: AppLayout, host: Host
) -> None:
    host.run([_release(layout, FIRST, {"a.py": "a = 1\n"})])
    Path(layout.code(FIRST), "a.py").write_text("edited\n")
    host.run([_release(layout, SECOND, {"a.py": "a = 1\n"})])
    assert Path(layout.code(SECOND), "a.py").read_text() == "a = 1\n"


def test_names_with_dots_do_not_get_in_each_others_way(layout: AppLayout, host: Host) -> None:
    files = {"celery.py": "x = 1\n", "celery.prod.py": "x = 2\n", "celery.prod.eu.py": "x = 3\n"}
    host.run([_release(layout, FIRST, files)])
    outcome = host.run([_release(layout, SECOND, files)])
    assert not outcome.done.failed, outcome.finished
    compiled = Path(layout.code(SECOND), "__pycache__")
    assert len(list(compiled.iterdir())) == 3


def test_no_code_of_a_package_runs_while_a_release_is_built(
    layout: AppLayout, host: Host, root: Path
) -> None:
    """Python runs what it finds in *.pth files when it starts; the agent is root."""
    site = Path(layout.venvs, "v", "lib", f"python3.{sys.version_info[1]}", "site-packages")
    site.mkdir(parents=True)
    Path(layout.venvs, "v", "pyvenv.cfg").write_text(f"home = {Path(PYTHON).parent}\n")
    ran = root / "ran"
    (site / "evil.pth").write_text(f"import os; open({str(ran)!r}, 'a').close()\n")
    # What is called Python there is a package's own program, too.
    program = Path(layout.venvs, "v", "bin", "python")
    program.unlink()
    program.write_text(f'#!/bin/sh\ntouch {ran}\nexec {PYTHON} "$@"\n')
    program.chmod(0o755)
    assert not host.run([_release(layout, FIRST, {"a.py": "a = 1\n"})]).done.failed
    assert not ran.exists()
    assert list(Path(layout.code(FIRST), "__pycache__").iterdir()), "nothing was compiled"


@pytest.mark.parametrize("whose", ["a stranger's", "everybody's", "nobody's"])
def test_an_interpreter_that_others_can_change_is_not_run(
    layout: AppLayout, host: Host, root: Path, whose: str
) -> None:
    ran = root / "ran"
    python = root / "opt" / "python"
    python.parent.mkdir()
    python.write_text(f'#!/bin/sh\ntouch {ran}\nexec {PYTHON} "$@"\n')
    python.chmod(0o755)
    {
        "a stranger's": lambda: os.chown(python.parent, 12345, 0),
        "everybody's": lambda: python.chmod(0o777),
        "nobody's": python.unlink,
    }[whose]()
    outcome = host.run([_release(layout, FIRST, {"a.py": "a = 1\n"}, python=str(python))])
    expected, hint = (
        ("does not exist", "correct the app's `python`: with a version alone, such as ")
        if whose == "nobody's"
        else ("users other than root can change", "make root the owner")
    )
    assert expected in outcome.failure.message
    assert str(python) in outcome.failure.message
    assert outcome.failure.hint.startswith(hint)
    assert not ran.exists()
    assert not Path(layout.release(FIRST)).exists()
    assert not Path(layout.release(FIRST) + ".part").exists()


def test_a_release_says_what_it_was_made_of(layout: AppLayout, host: Host) -> None:
    release = _release(
        layout, FIRST, {"static/a.css": "a", "up/first": "1", "app.py": ""},
        links={"web": "static", "up/link": "x", "deep/er": "../app.py"}, shared=("up",),
        static={"/s/": "web"}, units={f"root@{FIRST}.service": "x", f"root@{FIRST}.socket": "y"},
    )  # fmt: skip
    assert not host.run([release]).done.failed
    made = Releases("root", System()).manifest(FIRST)
    assert made["python"] == PYTHON
    # What is served, and where links lead, is told by what was deployed; "up" is the app's.
    assert sorted(made["files"]) == ["app.py", "static/a.css"]
    assert made["links"] == {"web": "static", "deep/er": "../app.py"}
    assert made["shared"] == ["up"]
    assert sorted(path.name for path in Path(layout.units(FIRST)).iterdir()) == [
        f"root@{FIRST}.service", f"root@{FIRST}.socket",
    ]  # fmt: skip


def test_two_files_of_one_content_may_come_from_one(layout: AppLayout, host: Host) -> None:
    """What was compiled is shared only under the name that it was compiled for."""
    host.run([_release(layout, FIRST, {"a/one.py": "x = 1\n"})])
    files = {"a/one.py": "x = 1\n", "a/two.py": "x = 1\n", "b/one.py": "x = 1\n"}
    outcome = host.run([_release(layout, SECOND, files)])
    assert not outcome.done.failed, outcome.finished
    code = Path(layout.code(SECOND))
    compiled = sorted(path.name.split(".")[0] for path in code.rglob("*.pyc"))
    assert compiled == ["one", "one", "two"]


def test_a_shared_directory_begins_with_what_the_release_brought(
    layout: AppLayout, host: Host, root: Path
) -> None:
    (root / "secret").write_text("x")
    given = {"files": {"up/first": "1"}, "links": {"up/link": str(root / "secret")}}
    first = Release(
        app="root", release=FIRST, runtime=f"{layout.venvs}/v", python=PYTHON, env="{}",
        proposed="{}", shared=("up",), **given,  # type: ignore[arg-type]
    )  # fmt: skip
    assert not host.run([first]).done.failed
    shared = Path(layout.shared, "up")
    assert (shared / "first").read_text() == "1"
    assert (shared / "link").is_symlink(), "as root a link would lead anywhere"
    assert Path(layout.code(FIRST), "up").samefile(shared)
    (shared / "first").write_text("written by the app")
    host.run([_release(layout, SECOND, {"up/first": "2"}, shared=("up",))])
    assert (shared / "first").read_text() == "written by the app"


def test_a_shared_file_begins_with_what_the_release_brought(layout: AppLayout, host: Host) -> None:
    shared = ("data/db.sqlite3", "made.db")
    files = {"data/db.sqlite3": "rows", "data/readme": "x"}
    given = {"shared": shared, "shared_files": ("made.db",)}
    assert not host.run([_release(layout, FIRST, files, **given)]).done.failed
    code, kept = Path(layout.code(FIRST)), Path(layout.shared, "data", "db.sqlite3")
    assert kept.read_text() == "rows"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert (code / "data" / "readme").read_text() == "x"
    # As if it were beside the code: SQLite makes its journal where the file lies.
    assert (code / "data" / "db.sqlite3").resolve() == kept.resolve()
    assert (code / "made.db").readlink().name == "made.db"
    assert not Path(layout.shared, "made.db").exists()
    with sqlite3.connect(code / "made.db") as database:
        database.execute("create table rows (name)")
        database.execute("insert into rows values ('one')")
        assert Path(layout.shared, "made.db-journal").exists()
    kept.write_text("rows of the app")
    # Also where git does not track it any more, and where the code is that of another release.
    for release, changes in (
        (SECOND, {"files": {"data/readme": "x"}}),
        ("20260104T030405.000Z-abc1234", {"files": {}, "base": FIRST}),
    ):
        again = replace(_release(layout, release, {}, **given), **changes)
        assert not host.run([again]).done.failed
        link = Path(layout.code(release), "data", "db.sqlite3")
        assert link.is_symlink()
        assert link.read_text() == "rows of the app"
        manifest = json.loads(Path(layout.release(release), "manifest.json").read_text())
        assert manifest["shared_files"] == list(shared)


def test_generated_secrets_are_made_once(layout: AppLayout, host: Host) -> None:
    host.run([_release(layout, FIRST, {"a": ""}, proposed='{"KEY": "one"}')])
    host.run([_release(layout, SECOND, {"a": ""}, proposed='{"KEY": "two", "NEW": "2"}')])
    assert json.loads(Path(layout.secrets).read_text()) == {"KEY": "one", "NEW": "2"}
    assert Path(layout.secrets).stat().st_mode & 0o777 == 0o600
    environment = Path(layout.release(SECOND), "env")
    assert 'KEY="one"' in environment.read_text()
    assert environment.stat().st_mode & 0o777 == 0o640


def test_a_torn_line_of_the_history_costs_only_itself(layout: AppLayout) -> None:
    history = History("root", System())
    history.record(HistoryEvent("live", FIRST))
    with Path(layout.history).open("a") as file:
        file.write('{"event": "li')
    history.record(HistoryEvent("live", SECOND))
    history.record(HistoryEvent("live", SECOND))
    assert [each.release for each in history.events()] == [FIRST, SECOND, SECOND]
    assert history.were_live() == [FIRST, SECOND]


def test_a_release_that_was_taken_back_is_none_to_go_back_to(layout: AppLayout) -> None:
    history = History("root", System())
    for event, release in (("live", FIRST), ("live", SECOND), ("rolled_back", SECOND)):
        history.record(HistoryEvent(event, release))
    assert history.were_live() == [FIRST]
    # A person went back to the first, and one of the hosts could not.
    for event, release in (("live", SECOND), ("live", FIRST), ("rolled_back", FIRST)):
        history.record(HistoryEvent(event, release))
    assert history.were_live() == [FIRST, SECOND]
    # The switch itself had it for a moment only, and never called it live.
    history.record(HistoryEvent("rolled_back", FIRST))
    assert history.were_live() == [FIRST, SECOND]


def test_a_history_that_cannot_be_written_is_said_and_stops_nothing(layout: AppLayout) -> None:
    Path(layout.history).mkdir()
    told: list[str] = []
    History("root", System(say=told.append)).record(HistoryEvent("live", FIRST))
    assert told == [f"cannot write {layout.history}: Is a directory"]


def test_a_release_that_something_works_in_is_in_use(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name / "code").mkdir(parents=True)
    working = subprocess.Popen(["sleep", "600"], cwd=tmp_path / "one" / "code")
    try:
        assert in_use(str(tmp_path), {os.getuid()}) == {"one"}
    finally:
        working.kill()
        working.wait()
    assert in_use(str(tmp_path), {os.getuid()}) == set()


NOBODY, APP_ID = 65534, 987


@pytest.mark.parametrize(
    ("become", "counts"),
    [
        (lambda: os.setresuid(APP_ID, APP_ID, APP_ID), True),
        (lambda: None, True),
        (lambda: os.setresuid(NOBODY, NOBODY, NOBODY), False),
        # What a user runs as setuid is root's to look at, and still the user's.
        (lambda: os.setresuid(NOBODY, 0, 0), False),
    ],
    ids=["the app", "root", "another user", "another user by a setuid program"],
)
def test_only_the_app_and_root_keep_a_release_in_use(
    root: Path, become: Callable[[], None], *, counts: bool
) -> None:
    (root / "one").mkdir()
    working = subprocess.Popen(["sleep", "600"], cwd=root / "one", preexec_fn=become)
    try:
        assert in_use(str(root), {0, APP_ID}) == ({"one"} if counts else set())
    finally:
        working.kill()
        working.wait()


def test_another_user_s_shell_keeps_no_release_from_being_pruned(
    root: Path, layout: AppLayout
) -> None:
    releases = Path(layout.releases)
    for release in (FIRST, SECOND):
        (releases / release).mkdir(parents=True)
        manifest = {"release": release, "venv": "v", "env": ""}
        (releases / release / "manifest.json").write_text(json.dumps(manifest))
    standing = subprocess.Popen(["sleep", "600"], cwd=releases / FIRST, user=NOBODY)
    try:
        History("root", System()).record(HistoryEvent("live", SECOND))
        assert Pruned("root", keep=1).actual(System()) == {"to remove": str(releases / FIRST)}
    finally:
        standing.kill()
        standing.wait()
