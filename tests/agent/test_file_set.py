"""A set of files is tested as a whole before any of the live ones is touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioning.agent.events import CHANGED, UNCHANGED
from provisioning.resources import Command, FileSet
from tests.agent.runs import Host, listing


@pytest.fixture
def etc(root: Path) -> Path:
    path = root / "etc"
    (path / "conf.d").mkdir(parents=True)
    (path / "main.conf").write_text("good old\n")
    (path / "conf.d" / "stranger.conf").write_text("good stranger\n")
    (path / "theirs").write_text("left alone\n")
    return path


def _set(etc: Path, text: str, **options: object) -> FileSet:
    # Like `nginx -t`: reads every file by its live path, and names what it does not like.
    test = (
        "sh", "-c",
        f"cd {etc} && for f in *.conf conf.d/*.conf; do grep -q good $f || "
        "{ echo \"$PWD/$f: unknown directive\" >&2; exit 1; }; done",
    )  # fmt: skip
    files = {"main.conf": text, "conf.d/new.conf": text}
    return FileSet("set", str(etc), files, purge=("conf.d",), validate=test, **options)  # type: ignore[arg-type]


def test_a_refused_set_leaves_everything_as_it_was(etc: Path, host: Host) -> None:
    before = listing(etc)
    failure = host.run([_set(etc, "bad\n")]).failure
    assert listing(etc) == before
    assert failure.message == "sh refuses the new configuration; the live one was not touched"
    assert failure.output == f"{etc}/main.conf: unknown directive"
    assert failure.hint.startswith("correct the lines that it names")


def test_a_check_finds_a_refused_set_too(etc: Path, host: Host) -> None:
    before = listing(etc)
    assert "refuses" in host.check([_set(etc, "bad\n")]).failure.message
    assert listing(etc) == before


def test_a_set_that_passes_replaces_what_is_there_and_purges_the_rest(
    etc: Path, host: Host
) -> None:
    assert not host.run([_set(etc, "good\n")]).done.failed
    assert sorted(str(path.relative_to(etc)) for path in etc.rglob("*")) == [
        "conf.d", "conf.d/new.conf", "main.conf", "theirs",
    ]  # fmt: skip
    assert (etc / "theirs").read_text() == "left alone\n"


def test_what_would_be_purged_is_not_there_when_the_set_is_tested(etc: Path, host: Host) -> None:
    (etc / "conf.d" / "stranger.conf").write_text("bad\n")
    assert not host.run([_set(etc, "good\n")]).done.failed


def test_a_broken_file_that_stays_is_seen_by_the_test(etc: Path, host: Host) -> None:
    (etc / "local.conf").write_text("bad\n")
    before = listing(etc)
    assert "local.conf: unknown directive" in host.run([_set(etc, "good\n")]).failure.output
    assert listing(etc) == before


def test_one_file_too_many_is_only_removed(etc: Path, host: Host) -> None:
    host.run([_set(etc, "good\n")])
    before = (etc / "main.conf").stat()
    (etc / "conf.d" / "back again").write_text("good")
    outcome = host.run([_set(etc, "good\n")], diff=True)
    assert outcome.finished[0].change == {"other files": ("conf.d/back again", "")}
    assert outcome.finished[0].diffs[0].startswith(f"--- {etc}/conf.d/back again\n")
    assert (etc / "main.conf").stat() == before


def test_no_mount_and_no_staged_copy_is_left(etc: Path, host: Host, own_paths: Path) -> None:
    host.run([_set(etc, "bad\n")])
    host.run([_set(etc, "good\n")])
    # Others come and go: hosts of labs.
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    assert [each for each in mounts if str(etc.parent) in each or "stage-" in each] == []
    assert [each.name for each in own_paths.rglob("stage-*")] == []


def test_a_root_that_is_not_there_yet_is_made_and_tested_in(root: Path, host: Host) -> None:
    new = root / "not" / "there"
    files = FileSet("new", str(new), {"a/b": "x"}, validate=("test", "-s", f"{new}/a/b"))
    checked = host.check([files])
    assert list(root.iterdir()) == []
    assert checked.changes == host.run([files]).changes
    refused = FileSet("new", str(new), {"a/b": ""}, validate=("test", "-s", f"{new}/a/b"))
    assert host.run([refused]).done.failed
    assert (new / "a" / "b").read_text() == "x"


def test_a_program_that_is_missing_is_no_passed_test(etc: Path, host: Host) -> None:
    untested = FileSet("set", str(etc), {"main.conf": "new"}, validate=("no-such-program",))
    before = listing(etc)
    failure = host.run([untested]).failure
    assert failure.message == "cannot test file-set:set: no-such-program is not installed"
    assert listing(etc) == before


def test_a_check_before_the_program_is_installed_shows_the_whole_set(etc: Path, host: Host) -> None:
    untested = FileSet("set", str(etc), {"main.conf": "new"}, validate=("no-such-program",))
    assert host.check([untested]).statuses == {untested.id: CHANGED}


def test_a_check_does_not_test_against_what_a_program_would_have_made(
    etc: Path, host: Host, root: Path
) -> None:
    made = root / "made"
    plan = [
        Command("make it", ("touch", str(made)), creates=str(made)),
        FileSet("set", str(etc), {"main.conf": "new"}, validate=("test", "-e", str(made))),
    ]
    assert host.check(plan).changes == host.run(plan).changes


@pytest.mark.parametrize("purge", [".", "", "./", "conf.d/", "conf.d/../conf.d"])
def test_a_purged_directory_may_be_written_in_any_way(etc: Path, host: Host, purge: str) -> None:
    files = FileSet("set", str(etc), {"main.conf": "x", "conf.d/new": "x"}, purge=(purge,))
    assert not host.run([files]).done.failed
    assert (etc / "main.conf").read_text() == "x"
    assert (etc / "conf.d" / "new").read_text() == "x"
    assert host.run([files]).statuses == {files.id: UNCHANGED}


def test_file_names_that_are_no_text_are_no_trouble(etc: Path, host: Host) -> None:
    strange = Path(str(etc / "conf.d")) / b"\xff\xfe".decode("utf-8", "surrogateescape")
    strange.write_text("good")
    kept = etc / b"kept \xff".decode("utf-8", "surrogateescape")
    kept.write_text("x")
    outcome = host.run([_set(etc, "good\n")], diff=True)
    assert not outcome.done.failed
    assert not strange.exists()
    assert kept.exists()


def test_a_staged_copy_is_for_root_only(etc: Path, host: Host, root: Path, own_paths: Path) -> None:
    seen = root / "seen"
    test = ("sh", "-c", f"stat -c %a {own_paths}/run/homeport >{seen}")
    files = FileSet("set", str(etc), {"secret": "x"}, mode="0600", validate=test)
    assert not host.run([files]).done.failed
    assert seen.read_text() == "700\n"
