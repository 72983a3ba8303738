"""Many hosts at once: fan out, gather what became of each."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from types import FrameType
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")

# Connections at once. Each costs a thread of ours and one of the SSH library's.
DEFAULT_PARALLEL = 32
# A signal that comes just before a thread begins to wait does not end the wait: Python
# runs its handler when the thread next wakes up.
LOOK_UP_EVERY_S = 0.2


@dataclass(frozen=True)
class Outcome(Generic[T, R]):
    """What became of one host.

    Attributes:
        host: The host.
        result: What the work returned; None if it did not get that far.
        error: What it raised; None if nothing.
        interrupted: Whether the run was stopped before this host was begun, or finished.
    """

    host: T
    result: R | None = None
    error: BaseException | None = None
    interrupted: bool = False

    @property
    def ok(self) -> bool:
        """Whether the work was done."""
        return self.error is None and not self.interrupted


def map_hosts(
    hosts: Sequence[T],
    work: Callable[[T], R],
    *,
    parallel: int = DEFAULT_PARALLEL,
    on_interrupt: Callable[[], None] | None = None,
) -> list[Outcome[T, R]]:
    """Do the work for every host; one that fails does not stop the others.

    The first Ctrl-C calls `on_interrupt`, begins no further host and waits for those
    under way; the second returns at once. The threads are daemons: whatever still
    runs then does not keep the process from ending.

    Args:
        hosts: The hosts.
        work: Called with one host, in a thread.
        parallel: How many hosts at once, at least 1.
        on_interrupt: Asks the work to stop at the next safe point; called once, in the
            calling thread.

    Returns:
        One outcome for each host, in the order of `hosts`.
    """
    outcomes: list[Outcome[T, R]] = [Outcome(host, interrupted=True) for host in hosts]
    waiting: SimpleQueue[int] = SimpleQueue()
    for number in range(len(hosts)):
        waiting.put(number)
    # An outcome with its host's number; None for Ctrl-C.
    news: SimpleQueue[tuple[int, Outcome[T, R]] | None] = SimpleQueue()
    stopping = threading.Event()

    def worker() -> None:
        while not stopping.is_set():
            try:
                number = waiting.get_nowait()
            except Empty:
                return
            news.put((number, _outcome(hosts[number], work)))

    workers = [
        threading.Thread(target=worker, name=f"host {number}", daemon=True)
        for number in range(min(max(parallel, 1), len(hosts)))
    ]
    with _ctrl_c_as_news(lambda: news.put(None)):
        for thread in workers:
            thread.start()
        missing = len(hosts)
        while missing:
            try:
                item = news.get(timeout=LOOK_UP_EVERY_S)
            except Empty:
                continue
            except KeyboardInterrupt:
                item = None
            if item is not None:
                number, outcomes[number] = item
                missing -= 1
                continue
            if stopping.is_set():
                break
            stopping.set()
            missing -= _begin_no_more(waiting)
            if on_interrupt is not None:
                on_interrupt()
    return outcomes


def _outcome(host: T, work: Callable[[T], R]) -> Outcome[T, R]:
    try:
        return Outcome(host, result=work(host))
    except BaseException as error:  # everything: the summary is to show it
        return Outcome(host, error=error)


def _begin_no_more(waiting: SimpleQueue[int]) -> int:
    """Take all hosts that were not begun out of the queue, and return how many."""
    dropped = 0
    while True:
        try:
            waiting.get_nowait()
        except Empty:
            return dropped
        dropped += 1


@contextmanager
def _ctrl_c_as_news(report: Callable[[], object]) -> Iterator[None]:
    """Let Ctrl-C call `report` instead of raising KeyboardInterrupt at any odd moment.

    Only the main thread may set this up, and only if Ctrl-C is not ignored (as it is
    for a program in the background); elsewhere nothing is changed.
    """

    def handler(number: int, frame: FrameType | None) -> None:
        report()

    in_main_thread = threading.current_thread() is threading.main_thread()
    if not in_main_thread or signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        yield
        return
    before = signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
