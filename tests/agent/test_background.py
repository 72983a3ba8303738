"""A run in the background: what becomes of it when whoever began it says nothing more."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from provisioning.agent import background, layout
from provisioning.agent.events import CHANGED, FAILED, Done, Finished, Started, Unchanged
from provisioning.agent.runs import journal
from provisioning.agent.runs.inbox import frames
from provisioning.agent.runs.lock import HostLock, LockHeldError
from provisioning.agent.runs.messages import Response, RunEnded, RunInfo, message_of
from provisioning.agent.runs.outbox import Outbox
from provisioning.agent.runs.relay import current_run, replay
from provisioning.agent.runs.wire import Message, pack, pack_blob
from provisioning.protocol.plan import Plan, make_plan
from provisioning.protocol.submission import Submission
from provisioning.resources import Command, Directory, File, Resource

ABOUT = RunInfo("0123", "ann@desk", "deploy of hello", time.time())
PATIENCE_S = 60


class Listener:
    """Somebody connected to the run."""

    def __init__(self, *, owner: bool, after: int = 0) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.connect(layout.RUN_SOCKET)
        self.send({"owner": owner, "after": after})
        self._frames = frames(self.socket.fileno())

    def send(self, message: Message) -> None:
        self.socket.sendall(pack(message))

    def submit(self, plan: Plan, **options: Any) -> None:
        self.send(message_of(Submission(plan, "ann@desk", **options).request()))

    def until(self, key: str, *, answers: bool = True) -> list[Message]:
        """Return what is heard up to a message with a key, that one included."""
        heard: list[Message] = []
        for frame in self._frames:
            assert isinstance(frame, dict)
            heard.append(frame)
            if "need" in frame and answers:
                self.socket.sendall(b"".join(pack_blob(BLOBS[each]) for each in frame["need"]))
            if key in frame or frame.get("event") == key:
                return heard
        raise AssertionError(f"the run ended before {key}: {heard}")

    def close(self) -> None:
        self.socket.close()


BLOBS: dict[str, bytes] = {}


def plan_of(*resources: Resource) -> Plan:
    plan = make_plan(resources)
    BLOBS.update(plan.blobs)
    return plan


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.01)


def is_free() -> bool:
    lock = HostLock(layout.LOCK)
    try:
        lock.acquire(ABOUT)
    except LockHeldError:
        return False
    lock.release()
    return True


class Runs:
    """Runs in the background that a test has begun."""

    def __init__(self) -> None:
        self.processes: list[int] = []

    def begin(self) -> Listener:
        lock = HostLock(layout.LOCK)
        lock.acquire(ABOUT)
        background.start(ABOUT, lock, closing=[])
        return Listener(owner=True)

    def end(self) -> None:
        """End what is left, and leave no zombies."""
        for process in self.processes:
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)


@pytest.fixture
def runs(own_paths: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runs]:
    monkeypatch.setattr(layout, "RUN_SOCKET", f"{layout.RUNTIME}/run.sock")
    runs = Runs()
    fork = os.fork

    def remembered_fork() -> int:
        process = fork()
        runs.processes += [process] * bool(process)
        return process

    monkeypatch.setattr(os, "fork", remembered_fork)
    yield runs
    runs.end()


@pytest.fixture
def begin(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Listener]:
    def begin(silence_s: float = PATIENCE_S) -> Listener:
        monkeypatch.setattr(background, "SILENCE_S", silence_s)
        return runs.begin()

    return begin


def test_a_run_has_the_lock_until_its_last_plan_is_done(root: Path, begin) -> None:
    run = begin()
    assert run.until("begun") == [{"begun": ABOUT.values()}]
    run.submit(plan_of(File(str(root / "one"), "1")), final=False)
    assert run.until("done")[-1]["more"]
    assert not is_free()
    assert current_run() == ABOUT
    run.submit(plan_of(File(str(root / "two"), "2")), final=True)
    assert "more" not in run.until("done")[-1]
    # Whoever has heard it may begin the next run at once.
    assert is_free()
    assert current_run() is None
    run.until("ended")
    assert (root / "two").read_text() == "2"
    [known] = journal.last_runs()
    assert (known.who, known.what, known.ended) == ("ann@desk", "deploy of hello", "done")


def test_contents_that_were_lost_with_a_connection_are_asked_for_again(root: Path, begin) -> None:
    run = begin()
    run.submit(plan_of(File(str(root / "one"), "1")), final=True)
    heard = run.until("need", answers=False)
    run.close()
    again = Listener(owner=True, after=len(heard) - 1)
    assert "need" in again.until("ended")[0]
    assert (root / "one").read_text() == "1"


def test_without_a_word_it_does_what_was_said_for_that_case(root: Path, begin) -> None:
    run = begin(silence_s=0.5)
    run.submit(
        plan_of(File(str(root / "one"), "1")),
        final=False,
        on_failure=plan_of(Directory(str(root / "otherwise"))),
    )
    run.until("done")
    assert not (root / "otherwise").exists()
    run.close()
    wait_for(is_free)
    assert (root / "otherwise").is_dir()
    # Whoever hears of it must not believe that all was done.
    assert journal.last_runs()[0].ended == "stopped"


def test_pings_keep_it_waiting(root: Path, begin) -> None:
    run = begin(silence_s=1.5)
    run.submit(plan_of(), final=False, on_failure=plan_of(Directory(str(root / "otherwise"))))
    run.until("done")
    for _ in range(8):
        time.sleep(0.4)
        run.send({"ping": 1})
    run.submit(plan_of(), final=True)
    run.until("ended")
    assert not (root / "otherwise").exists()


@pytest.mark.parametrize("how", ["fails", "is stopped"])
def test_a_plan_that_does_not_come_to_its_end_is_put_in_order(root: Path, begin, how: str) -> None:
    run = begin()
    hold = f"touch {root}/begun; while ! test -e {root}/go; do sleep 0.01; done; exit 0"
    first = (
        Command("fails", ("false",), creates=str(root / "never"))
        if how == "fails"
        else Command("holds", ("sh", "-c", hold), creates=str(root / "go"))
    )
    run.submit(
        plan_of(first, Directory(str(root / "later"))),
        final=False,
        on_failure=plan_of(Directory(str(root / "otherwise"))),
    )
    if how == "is stopped":
        wait_for((root / "begun").exists)
        run.send({"stop": 1})
        time.sleep(0.2)
        (root / "go").touch()
    done = run.until("done")[-1]
    assert done.get("failed" if how == "fails" else "stopped")
    assert "more" not in done
    run.until("ended")
    assert (root / "otherwise").is_dir()
    assert not (root / "later").exists()
    assert is_free()


def test_who_comes_late_hears_it_all_but_answers_and_cannot_command(root: Path, begin) -> None:
    run = begin()
    run.until("begun")
    run.send({"ask": "facts"})
    run.until("answer")
    run.submit(plan_of(File(str(root / "one"), "1")), final=False)
    run.until("done")
    other = Listener(owner=False)
    other.submit(plan_of(File(str(root / "two"), "2")))
    other.send({"stop": 1})
    heard = other.until("done")
    assert [next(iter(each)) for each in heard[:1]] == ["begun"]
    assert not [each for each in heard if "answer" in each or "need" in each]
    assert [each["id"] for each in heard if each.get("event") == "finished"] == [f"file:{root}/one"]
    run.submit(plan_of(), final=True)
    other.until("ended")
    run.until("ended")
    assert not (root / "two").exists()


def test_an_owner_that_comes_back_hears_only_what_is_new(root: Path, begin) -> None:
    run = begin()
    heard = len(run.until("begun"))
    run.close()
    again = Listener(owner=True, after=heard)
    again.submit(plan_of(File(str(root / "one"), "1")), final=True)
    said = again.until("ended")
    assert not [each for each in said if "begun" in each]
    assert (root / "one").exists()


def test_a_run_that_was_killed_is_known_to_the_next(root: Path, begin, runs: Runs) -> None:
    run = begin()
    hold = f"echo $$ > {root}/begun.new; mv {root}/begun.new {root}/begun; exec sleep 300"
    run.submit(plan_of(Command("holds", ("sh", "-c", hold), creates=str(root / "never"))))
    wait_for((root / "begun").exists)
    os.kill(runs.processes[0], signal.SIGKILL)
    wait_for(is_free)
    # Its programs are in sessions of their own.
    os.kill(int((root / "begun").read_text()), signal.SIGKILL)
    cut_off = journal.cut_off()
    assert cut_off is not None
    said = journal.describe_cut_off(cut_off)
    assert "interrupted at command:holds: deploy of hello by ann@desk" in said
    again = begin()
    again.send({"end": 1})
    heard = again.until("ended")
    assert [each["text"] for each in heard if each.get("event") == "noted"] == [said]
    assert journal.cut_off() is None


def test_a_run_says_what_it_cannot_be_asked_for(root: Path, begin) -> None:
    run = begin()
    run.until("begun")
    for message, why in (
        ({"begin": "another"}, "cannot be asked for Begin"),
        ({"nonsense": 1}, "unknown message: 'nonsense'"),
        ({"plan": []}, "cannot read 'plan'"),
    ):
        run.send(message)
        [*_, failed] = run.until("failed")
        assert why in failed["failed"]
    run.submit(plan_of(File(str(root / "one"), "1")), final=True)
    run.until("ended")
    assert (root / "one").exists()


def test_a_journal_of_another_version_is_still_read() -> None:
    kept = journal.RunJournal(ABOUT)
    kept(Started("file:/a"))
    kept.close()
    [path] = Path(layout.RUNS).iterdir()
    others = ({"event": "started", "id": "file:/b", "new": 1}, {"event": "of later"}, ["odd"])
    path.write_text(path.read_text() + "".join(json.dumps(each) + "\n" for each in others))
    assert journal.events_of("0123") == [Started("file:/a")]


def test_a_journal_that_was_torn_is_still_read() -> None:
    kept = journal.RunJournal(ABOUT)
    kept(Started("file:/a"))
    kept.close()
    [path] = Path(layout.RUNS).iterdir()
    # Others may know neither what was done nor when.
    assert {each.stat().st_mode & 0o777 for each in (path.parents[0], path.parents[1])} == {0o700}
    path.write_text(path.read_text() + '{"event": "fini')
    assert [each.at for each in journal.last_runs()] == ["file:/a"]
    path.write_text(json.dumps(ABOUT.values())[:10])
    assert journal.last_runs() == []
    assert journal.cut_off() is None


def test_an_owner_that_comes_back_after_the_end_hears_what_failed() -> None:
    kept = journal.RunJournal(ABOUT)
    for event in (
        Finished("file:/a", CHANGED),
        Started("file:/b"),
        failed := Finished("file:/b", FAILED, message="no"),
        done := Done("0123", failed=True),
    ):
        kept(event)
    kept.close()
    said: list[Response] = []
    replay("0123", Outbox(said.append), owner=True)
    assert said == [failed, done, RunEnded()]


def test_a_run_without_a_change_leaves_no_journal_and_only_the_last_are_kept() -> None:
    quiet = journal.RunJournal(ABOUT)
    quiet(Unchanged(("file:/a",)))
    quiet(Done("0123"))
    quiet.close()
    assert journal.last_runs() == []
    for number in range(journal.KEPT + 5):
        kept = journal.RunJournal(ABOUT._replace(run=str(number), began=1000.0 + number))
        kept(Started("file:/a"))
        kept(Done(str(number)))
        kept.close()
    assert len(list(Path(layout.RUNS).iterdir())) == journal.KEPT
    assert journal.last_runs(1)[0].run == str(journal.KEPT + 4)


def test_a_run_that_was_cut_off_in_the_future_is_said_once() -> None:
    tomorrow = journal.RunJournal(ABOUT._replace(run="tomorrow", began=90_000.0))
    tomorrow(Started("file:/a"))
    tomorrow.close()
    # The clock has been set right since.
    now, first = journal.RunJournal.begin(ABOUT._replace(run="now", began=5_000.0))
    assert [event.text for event in first] == [journal.describe_cut_off(journal.last_runs()[0])]
    now(Done("now"))
    now.close()
    assert journal.cut_off() is None
    assert journal.last_runs(1)[0].run == "now"
