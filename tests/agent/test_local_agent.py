"""The real agent, as it is sent to hosts, in a process on this machine."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from provisioning.agent import events, layout
from provisioning.agent.boot import keep
from provisioning.agent.facts import facts_digest
from provisioning.agent.main import Agent
from provisioning.agent.runs import inbox
from provisioning.agent.runs.inbox import Inbox
from provisioning.agent.runs.lock import HostLock, LockHeldError
from provisioning.agent.runs.messages import OtherFacts, RunInfo, message_of
from provisioning.agent.runs.outbox import FrameWriter
from provisioning.agent.runs.wire import Decoder, Frame, pack, pack_blob
from provisioning.errors import ConnectionLostError, ResourceFailedError
from provisioning.hosts.client import Ended
from provisioning.protocol import queries
from provisioning.protocol.payload import agent_payload
from provisioning.protocol.plan import Plan, make_plan
from provisioning.protocol.queries import Query
from provisioning.protocol.session import HostBusyError
from provisioning.protocol.submission import Submission
from provisioning.resources import Command, File, Resource
from tests.agent.local_agent import LocalAgent, Machine

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("unshare"), reason="needs root on Linux"
)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    directory = tmp_path / "machine"
    directory.mkdir()
    machine = Machine(directory)
    yield machine
    machine.remove()


@pytest.fixture
def agent(machine: Machine) -> Iterator[LocalAgent]:
    with machine.agent() as agent:
        yield agent


def _submit(agent: LocalAgent, *resources: Resource, **options: object) -> Ended:
    ended = agent.conversation.submit(Submission(make_plan(resources), who="ann@desk", **options))  # type: ignore[arg-type]
    assert isinstance(ended, Ended)
    return ended


def _waiting(root: Path) -> tuple[Command, Callable[[], None], Callable[[], None]]:
    """Return a command that waits, how to wait until it does, and how to let it go on."""
    begun, go = root / "begun", root / "go"
    script = f"touch {begun}; while [ ! -e {go} ]; do sleep 0.02; done; touch {root}/over"
    command = Command("wait", ("sh", "-c", script), creates=f"{root}/over")
    return command, lambda: _until(begun.exists), go.touch


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)


def test_a_run_without_changes_is_one_exchange(agent: LocalAgent, root: Path) -> None:
    files = [File(str(root / f"file{number}"), "x" * number) for number in range(100)]
    assert agent.session.exchanges == 0
    assert not _submit(agent, *files).done.failed
    # The plan, and the contents that were lacking, all at once.
    assert agent.session.exchanges == 2
    agent.heard.clear()
    _submit(agent, *files)
    assert agent.session.exchanges == 3
    assert [type(each) for each in agent.heard] == [events.Unchanged, events.Done]


def test_the_last_event_repeats_the_id_of_the_run(agent: LocalAgent, root: Path) -> None:
    plan = make_plan([File(str(root / "x"), "x")])
    ended = agent.conversation.submit(Submission(plan, who="me"))
    assert isinstance(ended, Ended)
    assert ended.done.run == plan.run


def test_facts_are_told(agent: LocalAgent) -> None:
    facts = agent.conversation.ask(queries.facts())
    assert facts.nginx == "1.22.1"
    assert facts.python == "3.11.2"
    assert facts.cores >= 1
    assert facts.memory_mb > 0


def test_a_plan_for_other_facts_is_answered_with_the_hosts(agent: LocalAgent, root: Path) -> None:
    resources = [File(str(root / "x"), "x")]
    answer = agent.conversation.submit(Submission(make_plan(resources, facts="other"), who="me"))
    assert isinstance(answer, OtherFacts)
    assert not (root / "x").exists()
    right = make_plan(resources, facts=facts_digest(answer.facts))
    assert isinstance(agent.conversation.submit(Submission(right, who="me")), Ended)
    assert (root / "x").read_text() == "x"


def test_only_lacking_contents_are_asked_for(agent: LocalAgent, root: Path) -> None:
    (root / "there").write_text("there")
    _submit(agent, File(str(root / "there"), "there"), File(str(root / "new"), "new"))
    counted = agent.session.exchanges
    _submit(agent, File(str(root / "there"), "there", mode="0600"))
    assert agent.session.exchanges == counted + 1


def test_an_unknown_query_is_refused_in_words(agent: LocalAgent) -> None:
    with pytest.raises(ResourceFailedError, match="unknown query 'nonsense'"):
        agent.conversation.ask(Query("nonsense", {}, str))


def test_a_check_changes_nothing_and_needs_no_lock(machine: Machine, root: Path) -> None:
    command, begun, go = _waiting(root)
    with machine.agent() as busy, machine.agent() as looking:
        thread = threading.Thread(target=_submit, args=(busy, command))
        thread.start()
        begun()
        ended = _submit(looking, File(str(root / "x"), "x"), check=True)
        assert not ended.done.failed
        assert not (root / "x").exists()
        go()
        thread.join(30)
    assert not (machine.state / "memory.json").exists()


def test_a_second_run_is_told_who_is_at_work(machine: Machine, root: Path) -> None:
    command, begun, go = _waiting(root)
    with machine.agent() as first, machine.agent() as second:
        thread = threading.Thread(target=_submit, args=(first, command))
        thread.start()
        begun()
        with pytest.raises(HostBusyError, match=r"ann@desk, started \d+ s ago") as caught:
            _submit(second, File(str(root / "x"), "x"))
        assert "wait for it to end" in caught.value.hint
        go()
        thread.join(30)
        assert not _submit(second, File(str(root / "x"), "x")).done.failed


def test_the_lock_of_a_killed_run_is_free(machine: Machine, root: Path) -> None:
    command, begun, go = _waiting(root)
    with machine.agent() as first:
        lost: list[ConnectionLostError] = []

        def run() -> None:
            try:
                _submit(first, command)
            except ConnectionLostError as error:
                lost.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        begun()
        os.kill(first.pid, signal.SIGKILL)
        # The program it had started lives on, and must not hold the lock.
        with machine.agent() as second:
            assert not _submit(second, File(str(root / "x"), "x")).done.failed
        go()
        _until((root / "over").exists)
        thread.join(30)
    assert "state is unknown" in lost[0].message


def test_the_lock_is_where_only_root_can_get_at_it(
    agent: LocalAgent, machine: Machine, root: Path
) -> None:
    """Whoever may open a file may flock it, and could keep every run away."""
    _submit(agent, File(str(root / "x"), "x"))
    assert (machine.directory / "run" / "lock").exists()
    assert Path(layout.LOCK).name == "lock"
    # The real directory is made by whoever comes first: the agent's cache, or the lock.
    HostLock(layout.LOCK).acquire(ABOUT)
    assert Path(layout.RUNTIME).stat().st_mode & 0o777 == 0o700
    keep({}, f"{root}/run/agent/x")
    assert (root / "run").stat().st_mode & 0o777 == 0o700


def test_a_request_to_stop_is_honoured_at_the_next_safe_point(
    agent: LocalAgent, root: Path
) -> None:
    command, begun, go = _waiting(root)
    # So many that the word arrives before the last of them, however busy the machine is.
    later = [
        Command(f"later{number}", ("sh", "-c", f"sleep 0.2; touch {root}/later{number}"),
                creates=f"{root}/later{number}")
        for number in range(300)
    ]  # fmt: skip
    outcome: list[Ended] = []
    thread = threading.Thread(target=lambda: outcome.append(_submit(agent, command, *later)))
    thread.start()
    begun()
    agent.conversation.stop()
    go()
    thread.join(120)
    assert outcome[0].done.stopped
    assert (root / "over").exists(), "what it was at was not finished"
    finished = [each.id for each in agent.heard if isinstance(each, events.Finished)]
    # None was begun and left undone.
    assert sorted(path.name for path in root.glob("later*")) == sorted(
        each.removeprefix("command:") for each in finished if "later" in each
    )
    assert not (root / "later299").exists()


def test_the_end_of_the_connection_stops_at_the_next_safe_point(
    machine: Machine, root: Path
) -> None:
    command, begun, go = _waiting(root)
    plan = make_plan([command, File(str(root / "later"), "x")])
    agent = LocalAgent(machine)
    agent.start()
    agent.session.submit(Submission(plan, who="me"))
    assert agent.channel is not None
    # The connection breaks, as the agent sees it: no more input, and nobody reads its output.
    agent.channel.send(agent.session.outgoing())
    _until(lambda: b"need" in (agent.channel.receive(30) if agent.channel else b""))
    agent.channel.send(b"".join(pack_blob(each) for each in plan.blobs.values()))
    begun()
    agent.channel._stdin.close()
    go()
    _until(lambda: agent.channel is not None and agent.channel.exit_status() is not None)
    agent.channel.close()
    assert (root / "over").exists(), "what it was at was not finished"
    assert not (root / "later").exists()


def test_nothing_is_imported_from_the_login_directory(machine: Machine, root: Path) -> None:
    for name in ("json", "zlib", "hashlib", "provisioning", "sitecustomize", "usercustomize"):
        (machine.cwd / f"{name}.py").write_text(f"open({str(root / 'imported')!r}, 'w')\n")
    with machine.agent() as agent:
        assert not _submit(agent, File(str(root / "x"), "x")).done.failed
    assert not (root / "imported").exists()


def test_the_agent_is_sent_once_and_then_cached(machine: Machine, root: Path) -> None:
    with machine.agent() as first:
        assert first.session.sent_agent
        (cached,) = machine.cached_agents
        assert agent_payload().digest in cached.name
        assert cached.stat().st_mode & 0o777 == 0o600
        assert cached.parent.stat().st_mode & 0o777 == 0o700
    with machine.agent() as second:
        assert not second.session.sent_agent
        assert not _submit(second, File(str(root / "x"), "x")).done.failed


@pytest.mark.parametrize("damage", [b"", b"\x00garbage", None], ids=["empty", "garbage", "torn"])
def test_a_damaged_cache_is_sent_anew(machine: Machine, damage: bytes | None) -> None:
    with machine.agent():
        pass
    (cached,) = machine.cached_agents
    cached.write_bytes(cached.read_bytes()[:5000] if damage is None else damage)
    with machine.agent() as agent:
        assert agent.session.sent_agent
    with machine.agent() as agent:
        assert not agent.session.sent_agent


def test_an_older_agent_is_not_kept(machine: Machine) -> None:
    (machine.directory / "run" / "agent").mkdir()
    (machine.directory / "run" / "agent" / "older-cpython-311").write_text("x")
    with machine.agent():
        pass
    assert len(machine.cached_agents) == 1


def test_a_process_that_is_gone_before_the_agent_speaks_is_a_lost_connection(
    machine: Machine,
) -> None:
    agent = LocalAgent(machine)
    agent._open = lambda _: machine.open("echo oh no >&2; exit 3")  # type: ignore[method-assign]
    agent.conversation._open_channel = agent._open
    with agent.conversation, pytest.raises(ConnectionLostError) as caught:
        agent.conversation.start()
    assert "oh no" in caught.value.output


# With pipes in place of a process, where the test must be quick or slow by itself


ABOUT = RunInfo("1", "me", "provision", 0.0)


class Piped:
    """An agent in a thread, talked to frame by frame."""

    def __init__(self) -> None:
        source, self._to = os.pipe()
        self._from, outbox = os.pipe()
        os.set_blocking(self._from, True)
        self._decoder = Decoder()
        self._inbox = Inbox()
        self._inbox.read_from(source)
        self._agent = Agent(self._inbox, FrameWriter(outbox))
        self.thread = threading.Thread(target=self._serve, args=(outbox,), daemon=True)
        self.thread.start()

    def _serve(self, outbox: int) -> None:
        self._agent.serve()
        os.close(outbox)

    def send(self, message: dict[str, object]) -> None:
        os.write(self._to, pack(message))

    def submit(self, plan: Plan) -> None:
        self.send(message_of(Submission(plan, who="me").request()))

    def ping(self) -> None:
        """Send a ping, and return when it has been heard."""
        self.send({"ping": 1})
        heard = self._inbox
        _until(lambda: heard._pinged and heard._heard == inbox.time.monotonic())

    def frames(self) -> Iterator[Frame]:
        while data := os.read(self._from, 65536):
            self._decoder.feed(data)
            yield from self._decoder

    def close(self) -> None:
        os.close(self._to)
        self.thread.join(30)
        assert not self.thread.is_alive()
        os.close(self._from)


@pytest.fixture
def piped() -> Iterator[Callable[[], Piped]]:
    made: list[Piped] = []

    def make() -> Piped:
        made.append(Piped())
        return made[-1]

    yield make
    for each in made:
        each.close()


class Clock:
    """Stands for the inbox's clock: time passes when the test says so."""

    now_s = 1000.0

    def monotonic(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(inbox, "time", clock)
    return clock


def _last_event(agent: Piped) -> events.Event:
    for frame in agent.frames():
        if isinstance(frame, dict) and frame.get("event") == "done":
            return events.from_message(frame)
    raise AssertionError("it ended without a word")


def test_a_lost_lease_stops_at_the_next_safe_point(
    root: Path, piped: Callable[[], Piped], clock: Clock
) -> None:
    agent = piped()
    command, begun, go = _waiting(root)
    agent.ping()
    later = Command("later", ("touch", str(root / "later")), creates=str(root / "later"))
    agent.submit(make_plan([command, later]))
    begun()
    clock.now_s += inbox.LEASE_S + 1
    go()
    last = _last_event(agent)
    assert isinstance(last, events.Done)
    assert last.stopped
    assert (root / "over").exists()
    assert not (root / "later").exists()


def test_pings_keep_the_lease(root: Path, piped: Callable[[], Piped], clock: Clock) -> None:
    agent = piped()
    command, begun, go = _waiting(root)
    agent.ping()
    agent.submit(
        make_plan(
            [command, Command("later", ("touch", str(root / "later")), creates=str(root / "later"))]
        )
    )
    begun()
    for _ in range(3):
        clock.now_s += inbox.LEASE_S - 1
        agent.ping()
    go()
    last = _last_event(agent)
    assert isinstance(last, events.Done)
    assert not last.stopped
    assert (root / "later").exists()


def test_an_agent_waits_for_its_next_plan_longer_than_a_lease(
    root: Path, piped: Callable[[], Piped], clock: Clock
) -> None:
    """A host that is ready early waits for the others of a deploy before it switches."""
    agent = piped()
    agent.ping()
    clock.now_s += inbox.LEASE_S + 1
    agent.submit(make_plan([Command("x", ("touch", str(root / "x")), creates=str(root / "x"))]))
    last = _last_event(agent)
    assert isinstance(last, events.Done)
    assert not last.stopped
    assert (root / "x").exists()


def test_a_request_to_stop_is_answered_even_while_contents_are_awaited(
    root: Path, piped: Callable[[], Piped]
) -> None:
    agent = piped()
    agent.submit(make_plan([File(str(root / "x"), "x")]))
    agent.send({"stop": 1})
    last = _last_event(agent)
    assert isinstance(last, events.Done)
    assert last.stopped
    assert not (root / "x").exists()


def test_a_lock_can_be_taken_again_once_it_was_given_back() -> None:
    lock = HostLock(layout.LOCK)
    for _ in range(2):
        lock.acquire(ABOUT)
        with pytest.raises(LockHeldError, match="provision by me, started"):
            HostLock(layout.LOCK).acquire(ABOUT._replace(who="you"))
        lock.release()
    assert Path(layout.LOCK).exists()
