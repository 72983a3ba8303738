"""Who does the work when somebody else is at the same hosts."""

from __future__ import annotations

from typing import Any

import pytest

from provisioning.agent import events
from provisioning.agent.runs.messages import RunInfo
from provisioning.deploy.begin import Beginning
from provisioning.deploy.begin import begin as begin_on
from provisioning.errors import DeployRefusedError, HomeportError
from provisioning.hosts.fleet import Fleet
from provisioning.inventory.models.app import App
from provisioning.protocol.session import HostBusyError
from provisioning.report import HostReport

THEIRS, OURS, OTHER = (
    "deploy of hello 20260101T000000.000Z-aaaaaaa",
    "deploy of hello 20260101T000001.000Z-aaaaaaa",
    "deploy of hello 20260101T000001.000Z-bbbbbbb",
)
LIVE = "20260101T000000.000Z-aaaaaaa"
APP = App(name="hello", source=".", wsgi="app:app", domains=["hello.example"])


class Run:
    """A host at which somebody may be at work."""

    def __init__(self, name: str, what: str = "", *, fails: bool = False, live: str = LIVE) -> None:
        self.name, self.live = name, live
        self.report = HostReport(name)
        self.has_host = self.at_work = self.is_stopping = False
        self._begun = RunInfo(run="r1", who="ann@desk", what=what, began=0.0) if what else None
        self._fails = fails

    def begin(self, what: str) -> None:
        if self._begun:
            raise HostBusyError("another run is at work", current_run=self._begun)
        self.has_host = True

    def let_go(self) -> None:
        self.has_host = False

    def current_run(self) -> RunInfo | None:
        return self._begun

    def watch(self, run: str) -> None:
        if self._fails:
            self.report.hear(events.Finished("live-release:hello", events.FAILED, message="no"))
        self.report.hear(events.Done(run, failed=self._fails))

    def facts(self) -> None:
        return None

    def ask(self, question: str, **values: object) -> dict[str, str]:
        return {"live": self.live}

    def note(self, text: str) -> None:
        pass

    def fail(self, error: HomeportError) -> None:
        self.report.error = error


class Hooks:
    def leave_it(self) -> None:
        pass


def begin(*runs: Run, what: str = OURS, repeats: bool = True) -> Beginning:
    fleet: Any = Fleet(runs)  # type: ignore[arg-type]
    hooks: Any = Hooks()
    return begin_on(fleet, APP, what, hooks, repeats=repeats)


def test_hosts_that_are_free_are_ours() -> None:
    runs = Run("web1"), Run("web2")
    begun = begin(*runs)
    assert set(begun.states) == {"web1", "web2"}
    assert not begun.instead
    assert all(run.has_host for run in runs)


def test_the_same_that_somebody_else_has_done_on_all_hosts_is_done() -> None:
    begun = begin(Run("web1", THEIRS), Run("web2", THEIRS))
    assert begun == Beginning(instead=LIVE)


def test_what_somebody_else_has_done_on_some_hosts_is_not_done_on_the_others() -> None:
    runs = Run("web1", THEIRS), Run("web2")
    with pytest.raises(DeployRefusedError, match=r"was not done on web2: .* on web1 only"):
        begin(*runs)
    assert not any(run.has_host for run in runs)


@pytest.mark.parametrize(("what", "repeats"), [(OTHER, True), (OURS, False)])
def test_what_may_be_something_else_is_not_done(what: str, repeats: bool) -> None:
    with pytest.raises(DeployRefusedError, match=r"was not done: deploy of hello .* by ann@desk"):
        begin(Run("web1", THEIRS), Run("web2", THEIRS), what=what, repeats=repeats)


def test_the_same_that_came_to_nothing_is_not_done() -> None:
    runs = Run("web1", THEIRS), Run("web2", THEIRS, fails=True)
    assert begin(*runs) == Beginning()
    assert runs[1].report.status == "failed"


def test_the_same_that_two_others_have_done_at_hosts_of_their_own_is_not_one_release() -> None:
    what = "restart of hello"
    runs = Run("web1", what), Run("web2", what, live=OTHER.rpartition(" ")[2])
    with pytest.raises(DeployRefusedError, match="hello is not on one release: "):
        begin(*runs, what=what)
