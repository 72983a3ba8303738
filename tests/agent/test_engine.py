"""Order, failure, stopping, diffs, and that no restart is ever lost."""

from __future__ import annotations

import contextlib
import os
import stat
import time
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace

import pytest

from provisioning.agent import events
from provisioning.agent.errors import AgentError, StoppedError
from provisioning.agent.events import CHANGED, FAILED, UNCHANGED
from provisioning.agent.machine.memory import Memory
from provisioning.agent.machine.overlay import Overlay
from provisioning.agent.machine.programs import Completed
from provisioning.agent.machine.system import System
from provisioning.agent.machine.systemd import UnitState
from provisioning.agent.resource import Change
from provisioning.resources import Absent, Command, Directory, File, FileSet, Resource, Service
from tests.agent.killing import kill_everywhere
from tests.agent.runs import Host


def test_resources_are_applied_in_the_order_of_the_list(root: Path, host: Host) -> None:
    inner = File(str(root / "new" / "file"), "x")
    outer = Directory(str(root / "new"))
    assert host.run([outer, inner]).statuses == {outer.id: CHANGED, inner.id: CHANGED}


def test_the_first_failure_ends_the_run_and_says_so(root: Path, host: Host) -> None:
    first, later = File(str(root / "first"), "x"), File(str(root / "later"), "x")
    failing = Command("fail", ("sh", "-c", "echo so it is >&2; exit 3"), creates="/nowhere")
    outcome = host.run([first, failing, later])
    assert outcome.statuses == {first.id: CHANGED, failing.id: FAILED}
    assert outcome.done.failed
    assert not outcome.done.stopped
    assert outcome.failure.message == "cannot fail: sh ended with exit status 3"
    assert outcome.failure.output == "so it is"
    assert not (root / "later").exists()


def test_what_a_person_should_know_is_said_once_and_the_run_goes_on(
    root: Path, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    apply = Directory.apply

    def damp(directory: Directory, system: System, change: Change) -> None:
        apply(directory, system, change)
        system.notes += ["warning: it is damp", "| very"]

    monkeypatch.setattr(Directory, "apply", damp)
    first, later = Directory(str(root / "cellar")), File(str(root / "later"), "x")
    outcome = host.run([first, later])
    noted = [each.text for each in outcome.events if isinstance(each, events.Noted)]
    assert noted == ["warning: it is damp", "| very"]
    assert outcome.statuses == {first.id: CHANGED, later.id: CHANGED}


def test_what_fails_while_the_host_goes_down_has_only_been_stopped(
    root: Path, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(System, "is_going_down", lambda system: True)
    failing = Command("fail", ("false",), creates=str(root / "made"))
    done = host.run([failing]).done
    assert (done.stopped, done.failed) == (True, False)


@pytest.mark.parametrize("lacking", ["f_bfree", "f_ffree"])
def test_a_program_that_fails_on_a_full_disk_need_not_say_so(
    root: Path, host: Host, monkeypatch: pytest.MonkeyPatch, lacking: str
) -> None:
    free = {"f_frsize": 4096, "f_bfree": 10**6, "f_files": 10**6, "f_ffree": 10**6, lacking: 3}
    monkeypatch.setattr(os, "statvfs", lambda path: SimpleNamespace(**free))

    def fail(directory: Directory, system: System, change: Change) -> None:
        raise AgentError("it ended with exit status 209", hint="try harder")

    monkeypatch.setattr(Directory, "apply", fail)
    cellar = Directory(str(root / "cellar"))
    assert host.run([cellar]).failure.hint.startswith("free some space")
    free[lacking] = 10**6
    assert host.run([cellar]).failure.hint == "try harder"


def test_an_error_that_nobody_has_thought_of_is_a_failure_that_says_where(
    root: Path, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forget(directory: Directory, system: System, change: Change) -> None:
        {}["the cellar"]

    monkeypatch.setattr(Directory, "apply", forget)
    cellar, later = Directory(str(root / "cellar")), File(str(root / "later"), "x")
    outcome = host.run([cellar, later])
    assert outcome.statuses == {cellar.id: FAILED}
    assert outcome.failure.message == f"cannot apply {cellar.id}: KeyError: 'the cellar'"
    assert outcome.failure.hint.startswith("this is a bug")
    assert outcome.failure.output.splitlines()[-1].endswith("in forget")


def test_a_resource_that_does_not_come_about_has_failed(root: Path, host: Host) -> None:
    lazy = Command("do nothing", ("true",), creates=str(root / "made"))
    outcome = host.run([lazy])
    assert "still differs after the change: done is False" in outcome.failure.message


@pytest.mark.parametrize(
    ("errno", "words", "hint"),
    [
        (28, "No space left on device", "free some space on the host (df -h, df -i)"),
        (30, "Read-only file system", "the file system is mounted read-only"),
        (122, "Disk quota exceeded", "raise the disk quota on the host"),
    ],
)
def test_what_the_file_system_refuses_is_said_with_a_hint(
    root: Path, host: Host, monkeypatch: pytest.MonkeyPatch, errno: int, words: str, hint: str
) -> None:
    def refuse(descriptor: int) -> None:
        raise OSError(errno, words)

    path = root / "file"
    path.write_text("as it was")
    before = path.stat().st_ino
    monkeypatch.setattr("os.fsync", refuse)
    failure = host.run([File(str(path), "new")]).failure
    assert words in failure.message
    assert failure.hint.startswith(hint)
    assert (path.read_text(), path.stat().st_ino) == ("as it was", before)
    assert [each.name for each in root.iterdir()] == ["file"]


def test_a_full_disk_leaves_the_old_file_and_nothing_else(root: Path, host: Host) -> None:
    import subprocess

    small = root / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(small)], check=True)
    try:
        (small / "file").write_text("as it was")
        failure = host.run([File(str(small / "file"), "x" * 200_000)]).failure
        assert "No space left on device" in failure.message
        assert "free some space" in failure.hint
        assert (small / "file").read_text() == "as it was"
        assert [each.name for each in small.iterdir()] == ["file"]
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_a_full_disk_leaves_what_was_remembered_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "memory.json"
    Memory(str(path)).remember("one", "1")
    monkeypatch.setattr("os.fsync", refuse)
    with pytest.raises(OSError, match="No space left"):
        Memory(str(path)).remember("other", "2")
    assert [each.name for each in tmp_path.iterdir()] == ["memory.json"]
    assert (Memory(str(path)).recall("one"), Memory(str(path)).recall("other")) == ("1", "")


def test_a_program_that_finds_the_disk_full_gets_the_hint_of_a_full_disk(host: Host) -> None:
    says = "echo 'cp: error writing: No space left on device' >&2; exit 1"
    failure = host.run([Command("copy", ("sh", "-c", says), creates="/nowhere")]).failure
    assert "No space left on device" in failure.output
    assert failure.hint.startswith("free some space on the host")


def test_a_pipe_in_the_place_of_a_directory_is_not_waited_for(root: Path) -> None:
    os.mkfifo(root / "pipe", 0o600)
    with pytest.raises(OSError, match="neither a file nor a directory"):
        System().set_attributes(str(root / "pipe"), mode="0750", owner="root", group="root")
    with pytest.raises(NotADirectoryError):
        System().make_directory(str(root / "pipe"), mode="0750")
    assert stat.S_IMODE((root / "pipe").stat().st_mode) == 0o600


def test_an_unreadable_place_fails_its_resource_and_not_the_run_before_it(
    root: Path, host: Host
) -> None:
    (root / "loop").symlink_to("loop")
    first, broken = File(str(root / "first"), "x"), File(str(root / "loop" / "file"), "x")
    outcome = host.run([first, broken])
    assert outcome.statuses == {first.id: CHANGED, broken.id: FAILED}
    assert "symbolic links" in outcome.failure.message


def test_an_owner_that_is_not_there_is_named(root: Path, host: Host) -> None:
    failure = host.run([File(str(root / "file"), "x", owner="nobody-of-that-name")]).failure
    assert "nobody-of-that-name" in failure.message
    assert list(root.iterdir()) == []


@pytest.mark.parametrize("passed", [0, 1, 2])
def test_a_request_to_stop_is_honoured_between_resources(
    root: Path, host: Host, passed: int
) -> None:
    files = [File(str(root / name), name) for name in "abc"]
    left = iter(range(passed))

    def checkpoint() -> None:
        if next(left, None) is None:
            raise StoppedError

    outcome = host.run(files, checkpoint=checkpoint)
    assert outcome.done.stopped
    assert not outcome.done.failed
    assert sorted(each.name for each in root.iterdir()) == list("abc")[:passed]


# Diffs


def test_a_diff_is_unified_and_only_made_when_asked_for(root: Path, host: Host) -> None:
    (root / "file").write_text("one\ntwo\n")
    file = File(str(root / "file"), "one\n2\n")
    assert host.check([file]).finished[0].diffs == ()
    (diff,) = host.check([file], diff=True).finished[0].diffs
    assert diff == f"--- {file.path}\n+++ {file.path}\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n"


def test_a_diff_says_where_the_last_newline_is_missing(root: Path, host: Host) -> None:
    (diff,) = host.check([File(str(root / "file"), "x")], diff=True).finished[0].diffs
    assert diff.startswith("--- /dev/null\n")
    assert diff.endswith("+x\n\\ No newline at end of file\n")


def test_a_binary_file_is_only_said_to_differ(root: Path, host: Host) -> None:
    (diff,) = host.check([File(str(root / "file"), b"\xff\x00")], diff=True).finished[0].diffs
    assert diff == f"Binary file {root}/file differs\n"


CANARY = "canary-7f3a"


def test_a_secret_is_in_no_event(root: Path, host: Host) -> None:
    secret = File(str(root / "secret"), f"{CANARY}\n", secret=True)
    (root / "secret").write_text(f"old {CANARY}")
    refused = File(str(root / "refused"), CANARY, secret=True, owner="nobody-of-that-name")
    for outcome in (host.check([secret], diff=True), host.run([secret, refused], diff=True)):
        assert CANARY not in repr(outcome.events)
    assert (root / "secret").stat().st_mode & 0o777 == 0o600


def test_a_diff_does_not_follow_a_link_to_what_is_secret(root: Path, host: Host) -> None:
    (root / "shadow").write_text(CANARY)
    (root / "file").symlink_to(root / "shadow")
    etc = root / "etc"
    (etc / "conf.d").mkdir(parents=True)
    (etc / "conf.d" / "stranger").symlink_to(root / "shadow")
    (etc / "ours").symlink_to(root / "shadow")
    outcome = host.run(
        [
            File(str(root / "file"), "new\n"),
            FileSet("set", str(etc), {"ours": "new\n"}, purge=("conf.d",)),
        ],
        diff=True,
    )
    assert not outcome.done.failed
    assert CANARY not in repr(outcome.events)
    assert (root / "shadow").read_text() == CANARY


# No restart is lost


class Daemon:
    """A service that has read its configuration when it was last (re)loaded.

    systemd does not run where these tests do, so `systemctl` is imitated; on real hosts
    tests/agent/test_on_a_host.py does the same with the real one.
    """

    def __init__(self, config: Path) -> None:
        self.config = config
        self.loaded = ""
        self.calls: list[str] = []

    def load(self) -> None:
        self.loaded = self.config.read_text() if self.config.exists() else ""

    def systemctl(self, verb: str) -> None:
        # Only what changes something is of interest, and only that can be killed.
        Path("/dev/null").open("w").close()
        self.calls.append(verb)
        self.load()


@pytest.fixture
def daemon(root: Path, monkeypatch: pytest.MonkeyPatch) -> Daemon:
    daemon = Daemon(root / "config")

    def run(self: System, argv: list[str], **options: object) -> Completed:
        if argv[1] in ("reload-or-restart", "restart"):
            daemon.systemctl(argv[1])
        else:
            assert argv[1] == "reset-failed", argv
        return Completed(0, "", "")

    def unit(self: System, name: str) -> UnitState:
        return UnitState("loaded", "active", "enabled")

    monkeypatch.setattr(System, "run", run)
    monkeypatch.setattr(System, "unit", unit)
    return daemon


def _config(daemon: Daemon, text: str) -> list[Resource]:
    file = File(str(daemon.config), text)
    return [file, Service("daemon", reload_on=(file,))]


def test_a_change_reloads_and_no_change_does_not(daemon: Daemon, host: Host) -> None:
    host.run(_config(daemon, "1"))
    host.run(_config(daemon, "1"))
    assert daemon.calls == ["reload-or-restart"]
    host.run(_config(daemon, "2"))
    assert daemon.calls == ["reload-or-restart"] * 2


def test_a_service_that_runs_and_depends_on_nothing_is_as_it_should_be(
    daemon: Daemon, host: Host
) -> None:
    assert host.run([Service("daemon")]).statuses == {"service:daemon": UNCHANGED}
    assert daemon.calls == []


def test_a_configuration_edited_by_hand_and_restored_is_loaded(daemon: Daemon, host: Host) -> None:
    host.run(_config(daemon, "ours"))
    daemon.config.write_text("theirs")
    daemon.load()
    assert host.check(_config(daemon, "ours")).statuses["service:daemon"] == CHANGED
    host.run(_config(daemon, "ours"))
    assert daemon.loaded == "ours"


def test_one_label_of_a_unit_does_not_hide_the_change_from_the_other(
    daemon: Daemon, host: Host, root: Path
) -> None:
    file, other = File(str(daemon.config), "1"), File(str(root / "other"), "1")
    plan = [
        file, Service("daemon", restart_on=(file,)), other,
        Service("daemon", reload_on=(other,), label="again"),
    ]  # fmt: skip
    host.run(plan)
    assert daemon.calls == ["restart", "reload-or-restart"]
    Path(other.path).unlink()
    assert host.check(plan).changes.keys() == {other.id, "service:again"}
    host.run(plan)
    assert daemon.calls == ["restart", "reload-or-restart", "reload-or-restart"]


@pytest.mark.parametrize("kind", ["file", "file set", "command"])
def test_a_run_killed_between_a_configuration_and_its_reload_is_completed(
    daemon: Daemon, host: Host, kind: str
) -> None:
    def plan(text: str) -> Iterable[Resource]:
        given: Resource = File(str(daemon.config), text)
        if kind == "file set":
            given = FileSet("set", str(daemon.config.parent), {daemon.config.name: text})
        acting: Resource = Service("daemon", reload_on=(given,), restart_on=(given,))
        if kind == "command":
            acting = Command("load", ("systemctl", "restart"), on=(given,))
        return [given, acting]

    def begin() -> None:
        host.run(plan("old"))
        assert daemon.loaded == "old"

    kills = 0
    for changes in kill_everywhere(begin, lambda: host.run(plan("new"))):
        kills += 1
        was_loaded = daemon.loaded == "new"
        outcome = host.run(plan("new"))
        assert daemon.loaded == "new", f"killed after {changes} changes: the reload was lost"
        assert was_loaded or any(status == CHANGED for status in outcome.statuses.values())
        assert set(host.run(plan("new")).statuses.values()) == {UNCHANGED}
        assert Memory(str(host.memory)).recall("nothing") == ""
    assert kills > 3


def test_a_restored_edit_that_is_killed_anywhere_is_loaded(daemon: Daemon, host: Host) -> None:
    def edited() -> None:
        host.run(_config(daemon, "ours"))
        daemon.config.write_text("theirs")
        daemon.load()

    for changes in kill_everywhere(edited, lambda: host.run(_config(daemon, "ours"))):
        host.run(_config(daemon, "ours"))
        assert daemon.loaded == "ours", f"killed after {changes} changes: the reload was lost"


def test_a_failed_reload_is_tried_again_by_the_next_run(
    daemon: Daemon, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    working = System.run
    monkeypatch.setattr(System, "run", lambda *_, **__: Completed(1, "", "it will not"))
    failure = host.run(_config(daemon, "1")).failure
    assert "cannot reload-or-restart daemon.service: it will not" in failure.message
    monkeypatch.setattr(System, "run", working)
    assert host.run(_config(daemon, "1")).statuses["service:daemon"] == CHANGED
    assert daemon.loaded == "1"


# The overlay


def test_a_check_sees_what_earlier_resources_would_have_made(root: Path, host: Host) -> None:
    deep, made = Directory(str(root / "a" / "b" / "c")), str(root / "made")
    plan = [
        deep,
        Directory(str(root / "a")),
        File(str(root / "a" / "file"), "x"),
        Command("use it", ("cp", str(root / "a" / "file"), made), creates=made),
        Absent(str(root / "a" / "file")),
    ]  # fmt: skip
    checked = host.check(plan)
    assert list(root.iterdir()) == []
    assert checked.changes == host.run(plan).changes


def test_a_check_does_not_see_below_what_would_have_been_removed(root: Path, host: Host) -> None:
    (root / "old").mkdir()
    (root / "old" / "file").write_text("x")
    plan = [Absent(str(root / "old")), Absent(str(root / "old" / "file"))]
    assert host.check(plan).changes == host.run(plan).changes


def test_an_overlay_keeps_the_content_of_a_file_whose_mode_would_change(root: Path) -> None:
    (root / "file").write_text("x")
    overlay = Overlay()
    overlay.set_attributes(str(root / "file"), mode="0600", owner="root", group="root")
    assert overlay.read(str(root / "file")) == b"x"
    assert overlay.stat(str(root / "file")).mode == "0600"  # type: ignore[union-attr]


def test_what_a_program_creates_is_imagined_even_where_something_was_removed(root: Path) -> None:
    overlay = Overlay()
    overlay.remove(str(root / "made"))
    overlay.act(["make"], why="make it", creates=[str(root / "made")])
    assert overlay.stat(str(root / "made")) is not None


def test_a_unit_that_would_be_started_is_running_for_later_resources(host: Host) -> None:
    """Or else a check of a stopped unit names more resources than the run changes."""
    overlay = Overlay()
    overlay.run = lambda *_, **__: Completed(0, "LoadState=loaded\n", "")  # type: ignore[method-assign]
    service = Service("daemon")
    assert not overlay.unit(service.unit).running
    service.apply(overlay, {"running": (False, True)})
    assert overlay.unit(service.unit).running


def test_a_check_before_the_user_or_the_program_is_there_takes_a_command_as_needed(
    root: Path, host: Host
) -> None:
    made = str(root / "made")
    for command in (
        Command("by nobody", ("touch", made), unless=("true",), user="nobody-of-that-name"),
        Command("with nothing", ("touch", made), unless=("no-such-program",)),
    ):
        assert host.check([command]).statuses == {command.id: CHANGED}
    assert (
        "no such user"
        in host.run([Command("x", ("true",), creates=made, user="no-such-user")]).failure.message
    )


# Programs


def test_a_program_that_takes_too_long_is_ended_with_all_that_it_started(root: Path) -> None:
    from provisioning.agent.errors import AgentError

    pids = root / "pids"
    script = f"sleep 1000 & echo $! >{pids}; echo begun; wait"
    with pytest.raises(AgentError, match="sh did not end within 2 s"):
        System().run(["sh", "-c", script], timeout_s=2)
    child = Path("/proc") / pids.read_text().strip()
    # The signal was sent; a busy machine lets the process go on for a moment.
    with contextlib.suppress(FileNotFoundError):
        for _ in range(200):
            if "State:\tZ" in (child / "status").read_text():
                break
            time.sleep(0.05)
        else:
            pytest.fail("it still runs")


@pytest.mark.parametrize(
    ("argv", "options", "message"),
    [
        (["no-such-program"], {}, "cannot run no-such-program: it is not installed"),
        (
            ["true"],
            {"cwd": "/no/such/place"},
            "cannot run true: the directory /no/such/place does not exist",
        ),
        (["true"], {"user": "no-such-user"}, "cannot run a program as no-such-user: no such user"),
    ],
)
def test_a_program_that_cannot_start_says_why(
    argv: list[str], options: dict[str, str], message: str
) -> None:
    from provisioning.agent.errors import CannotStartError

    with pytest.raises(CannotStartError) as caught:
        System().run(argv, **options)  # type: ignore[arg-type]
    assert caught.value.message == message


def test_a_program_gets_a_clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET", CANARY)
    done = System().run(["env"], env={"GIVEN": "1"})
    assert CANARY not in done.stdout
    assert "GIVEN=1" in done.stdout
    assert "LC_ALL=C.UTF-8" in done.stdout


def test_events_survive_the_wire() -> None:
    for event in (
        events.Started("a:b"),
        events.Progress("a:b", "text"),
        events.Finished("a:b", FAILED, message="m", hint="h", output="o", refused=True),
        events.Finished("a:b", CHANGED, {"x": [None, 1]}, ("d",), 0.5),
        events.Unchanged(("a:b", "c:d")),
        events.Done("run", stopped=True),
    ):
        assert events.from_message(events.to_message(event)) == event
