"""Stand-ins for `RemoteHost`: hosts in memory, one class per side of a host that matters."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, TypeVar

from provisioning.agent import events
from provisioning.agent.answers import LogPage, plain
from provisioning.agent.facts import Facts
from provisioning.agent.resource import Resource
from provisioning.agent.runs.messages import RunInfo
from provisioning.errors import ConnectionLostError, HomeportError, UnreachableError
from provisioning.protocol.queries import Query
from provisioning.protocol.session import HostBusyError, RunDiedError
from provisioning.report import HostReport
from tests.fakes.answers import app_state

T = TypeVar("T")


def _answer(query: Query[T], name: str, answer: Any) -> T:
    """Answer a query as the agent would, from what it says to what is made of that."""
    assert query.name == name
    return query.read(json.loads(json.dumps(plain(answer))))


class FakeHost:
    """What every stand-in has. What else is asked of one fails the test."""

    def __init__(self, name: str = "web1") -> None:
        self.name = name
        self.report = HostReport(name)
        self.has_host = self.at_work = self.is_stopping = False
        self.notes: list[str] = []

    def let_go(self) -> None:
        self.has_host = False

    def note(self, text: str) -> None:
        self.notes.append(text)

    def fail(self, error: HomeportError) -> None:
        self.report.error = error


class LockedHost(FakeHost):
    """A host that one command at a time can have.

    Args:
        name: The host's name.
        locks: The hosts' locks, shared by all commands.
    """

    def __init__(self, name: str, locks: dict[str, threading.Lock]) -> None:
        super().__init__(name)
        self._lock = locks[name]

    def begin(self, what: str) -> None:
        if not self._lock.acquire(blocking=False):
            raise HomeportError("another run is in progress on this host")
        self.has_host = True

    def let_go(self) -> None:
        if self.has_host:
            self.has_host = False
            self._lock.release()


class BusyHost(FakeHost):
    """A host at which somebody may be at work.

    Args:
        name: The host's name.
        what: What somebody does there, "" if nobody does anything.
        fails: Whether that comes to nothing.
        live: The release that is live there.
    """

    def __init__(self, name: str, what: str = "", *, fails: bool = False, live: str) -> None:
        super().__init__(name)
        self._live = live
        self._begun = RunInfo(run="r1", who="ann@desk", what=what, began=0.0) if what else None
        self._fails = fails

    def begin(self, what: str) -> None:
        if self._begun:
            raise HostBusyError("another run is in progress", current_run=self._begun)
        self.has_host = True

    def current_run(self) -> RunInfo | None:
        return self._begun

    def watch(self, run: str) -> None:
        if self._fails:
            self.report.hear(events.Finished("live-release:hello", events.FAILED, message="no"))
        self.report.hear(events.Done(run, failed=self._fails))

    def facts(self, candidates: Iterable[str] = ()) -> Facts:
        return Facts()

    def ask(self, query: Query[T]) -> T:
        return _answer(query, "app", app_state(live=self._live))


class SwitchingHost(FakeHost):
    """A host of which all that matters is which releases run and which one is live.

    Args:
        name: The host's name.
        live: The release that is live.
        ready: The one that is to be live.
        dies: Whether its run is killed right after the switch.
        comes_back: Whether the host can be connected to after that.
        deaf: Whether its run hears nothing more after the switch, and ends as it was told to.
    """

    def __init__(
        self,
        name: str,
        live: str,
        ready: str,
        *,
        dies: bool = False,
        comes_back: bool = True,
        deaf: bool = False,
    ) -> None:
        super().__init__(name)
        self.live, self.running = live, {live, ready}
        self.has_host = True
        self._before, self._ready = live, ready
        self._dies, self._comes_back, self._deaf = dies, comes_back, deaf
        self._on_failure: list[Any] = []

    def converge(
        self,
        resources: Iterable[Resource],
        *,
        final: bool = True,
        on_failure: Iterable[Resource] = (),
    ) -> bool:
        if self._deaf and self.live == self._ready:
            self._deaf = False
            self.go_silent()
        if not self.has_host:
            raise RunDiedError("it heard nothing from the controller for too long")
        self.make(resources)
        self._on_failure = list(on_failure)
        self.has_host = not final
        return True

    def go_silent(self) -> None:
        """Do what is to be done if nobody says what comes next."""
        self.make(self._on_failure)
        self._on_failure, self.has_host = [], False

    def ask(self, query: Query[T]) -> T:
        assert query.values["app"] == "hello"
        return _answer(query, "app", app_state(live=self.live))

    def make(self, resources: Iterable[Any]) -> None:
        """Bring resources to their desired state, as far as they are of releases."""
        for resource in resources:
            if resource.kind == "release-running":
                self.running.add(resource.release)
            elif resource.kind == "live-release":
                if resource.reverts and resource.reverts != self.live:
                    continue
                self.live = resource.release
                if self._dies:
                    self._dies, self.has_host = False, False
                    self.running.discard(self._before)
                    raise RunDiedError("the run on the host died")
            elif resource.kind == "old-releases":
                self.running &= {self.live}

    def begin_again(self, what: str) -> None:
        if not self._comes_back:
            raise UnreachableError("cannot connect")
        self.has_host = True


class LoggingHost(FakeHost):
    """A host that answers a question for its log with these pages.

    Args:
        pages: One for each time it is asked; None: the connection is lost instead.
        then: Called when the last page is asked for.
        unreachable: How often it cannot be connected to again.
    """

    def __init__(
        self,
        *pages: LogPage | None,
        then: Callable[[], None] = lambda: None,
        unreachable: int = 0,
    ) -> None:
        super().__init__("a")
        self.asked: list[dict[str, Any]] = []
        self._pages, self._then, self._unreachable = pages, then, unreachable

    def ask(self, query: Query[T]) -> T:
        self.asked.append(dict(query.values))
        if len(self.asked) == len(self._pages):
            self._then()
        page = self._pages[len(self.asked) - 1]
        if page is None:
            raise ConnectionLostError("the connection is lost")
        return _answer(query, "logs", page)

    def connect_again(self) -> None:
        self._unreachable -= 1
        if self._unreachable >= 0:
            raise UnreachableError("it boots")


class BareHost(FakeHost):
    """A bare host: it knows versions only of what it is asked for.

    Args:
        known: What it knows anyhow.
        candidates: Program -> the version that could be installed.
    """

    def __init__(self, known: Facts, candidates: dict[str, str]) -> None:
        super().__init__()
        self.asked: list[list[str]] = []
        self._known, self._candidates = known, candidates

    def facts(self, candidates: Iterable[str] = ()) -> Facts:
        self.asked.append(list(candidates))
        found: Any = {n: v for n, v in self._candidates.items() if n in self.asked[-1]}
        return replace(self._known, **found)
