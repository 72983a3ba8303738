from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from provisioning.errors import UnreachableError
from provisioning.hosts.parallel import map_hosts


@pytest.fixture
def ctrl_c() -> Iterator[Callable[[], None]]:
    """Send Ctrl-C to this process, as a terminal does."""
    yield lambda: os.kill(os.getpid(), signal.SIGINT)


def test_results_come_in_the_order_of_the_hosts() -> None:
    hosts = ["a", "b", "c"]
    turn = {name: threading.Event() for name in hosts}
    turn["c"].set()

    def work(host: str) -> str:
        turn[host].wait(60)
        before = hosts.index(host) - 1
        if before >= 0:  # finished last first
            turn[hosts[before]].set()
        return host.upper()

    outcomes = map_hosts(hosts, work)
    assert [outcome.host for outcome in outcomes] == hosts
    assert [outcome.result for outcome in outcomes] == ["A", "B", "C"]
    assert all(outcome.ok for outcome in outcomes)


def test_a_failing_host_does_not_stop_the_others() -> None:
    def work(host: str) -> str:
        if host == "b":
            raise UnreachableError("cannot connect to b: refused")
        if host == "c":
            raise SystemExit(9)
        return host

    outcomes = map_hosts(["a", "b", "c", "d"], work, parallel=1)
    assert [outcome.ok for outcome in outcomes] == [True, False, False, True]
    assert isinstance(outcomes[1].error, UnreachableError)
    assert isinstance(outcomes[2].error, SystemExit)
    assert not outcomes[1].interrupted


def test_no_more_hosts_than_allowed_are_worked_on_at_once() -> None:
    lock = threading.Lock()
    now: list[int] = []
    most: list[int] = []

    def work(host: int) -> None:
        with lock:
            now.append(host)
            most.append(len(now))
        time.sleep(0.01)
        with lock:
            now.remove(host)

    assert all(outcome.ok for outcome in map_hosts(range(20), work, parallel=3))
    assert max(most) == 3


def test_all_hosts_run_side_by_side_if_they_may() -> None:
    meeting = threading.Barrier(8, timeout=60)
    outcomes = map_hosts(range(8), lambda host: meeting.wait(), parallel=8)
    assert all(outcome.ok for outcome in outcomes)


def test_no_hosts_is_no_work() -> None:
    assert map_hosts([], lambda host: pytest.fail("called")) == []


def test_ctrl_c_asks_the_work_to_stop_and_waits_for_it(ctrl_c: Callable[[], None]) -> None:
    stop = threading.Event()
    begun = threading.Semaphore(0)
    asked: list[str] = []

    def work(host: str) -> str:
        begun.release()
        assert stop.wait(60)
        return "stopped cleanly"

    def interrupt_when_begun() -> None:
        begun.acquire()
        begun.acquire()
        ctrl_c()

    def on_interrupt() -> None:
        asked.append("stop")
        stop.set()

    threading.Thread(target=interrupt_when_begun, daemon=True).start()
    outcomes = map_hosts(
        ["a", "b", "c", "d"],
        work,
        parallel=2,
        on_interrupt=on_interrupt,
    )
    assert asked == ["stop"]
    assert [outcome.result for outcome in outcomes] == ["stopped cleanly"] * 2 + [None] * 2
    assert [outcome.interrupted for outcome in outcomes] == [False, False, True, True]


def test_a_second_ctrl_c_returns_at_once(ctrl_c: Callable[[], None]) -> None:
    forever = threading.Event()
    begun = threading.Semaphore(0)
    asked: list[str] = []

    def work(host: str) -> str:
        if host == "a":
            return "done"
        begun.release()
        forever.wait(60)
        return "never"

    def interrupt_when_begun() -> None:
        begun.acquire()
        ctrl_c()

    def on_interrupt() -> None:
        asked.append("stop")
        ctrl_c()

    threading.Thread(target=interrupt_when_begun, daemon=True).start()
    outcomes = map_hosts(["a", "b"], work, on_interrupt=on_interrupt)
    forever.set()
    assert asked == ["stop"]
    assert outcomes[0].result == "done"
    assert outcomes[1].interrupted
    assert not outcomes[1].ok


def test_ctrl_c_means_what_it_did_before_once_the_run_is_over(ctrl_c: Callable[[], None]) -> None:
    before = signal.getsignal(signal.SIGINT)
    map_hosts(["a"], lambda host: host)
    assert signal.getsignal(signal.SIGINT) is before
    with pytest.raises(KeyboardInterrupt):
        ctrl_c()
        time.sleep(60)


def test_hosts_may_be_run_from_a_thread_that_cannot_catch_ctrl_c() -> None:
    found: list[object] = []
    thread = threading.Thread(target=lambda: found.extend(map_hosts(["a", "b"], lambda host: host)))
    thread.start()
    thread.join(60)
    assert len(found) == 2


def test_a_host_that_hangs_does_not_keep_the_process_from_ending() -> None:
    program = (
        "import threading, os, signal\n"
        "from provisioning.hosts.parallel import map_hosts\n"
        "def stop(): os.kill(os.getpid(), signal.SIGINT)\n"
        "def work(host): stop(); threading.Event().wait()\n"
        "outcomes = map_hosts(['a'], work, on_interrupt=stop)\n"
        "print(outcomes[0].interrupted)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "True\n"
