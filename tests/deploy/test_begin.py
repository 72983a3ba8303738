"""Who does the work when somebody else is at the same hosts."""

from __future__ import annotations

from typing import Any

import pytest

from provisioning.deploy.begin import Beginning
from provisioning.deploy.begin import begin as begin_on
from provisioning.errors import DeployRefusedError
from provisioning.hosts.fleet import Fleet
from provisioning.inventory.models.app import App
from tests.fakes.hooks import NoHooks
from tests.fakes.remote_host import BusyHost

THEIRS, OURS, OTHER = (
    "deploy of hello 20260101T000000.000Z-aaaaaaa",
    "deploy of hello 20260101T000001.000Z-aaaaaaa",
    "deploy of hello 20260101T000001.000Z-bbbbbbb",
)
LIVE = "20260101T000000.000Z-aaaaaaa"
APP = App(name="hello", source=".", wsgi="app:app", domains=["hello.example"])


def host(name: str, what: str = "", *, fails: bool = False, live: str = LIVE) -> BusyHost:
    return BusyHost(name, what, fails=fails, live=live)


def begin(*runs: BusyHost, what: str = OURS, repeats: bool = True) -> Beginning:
    fleet: Any = Fleet(runs)  # type: ignore[arg-type]
    hooks: Any = NoHooks()
    return begin_on(fleet, APP, what, hooks, repeats=repeats)


def test_hosts_that_are_free_are_ours() -> None:
    runs = host("web1"), host("web2")
    begun = begin(*runs)
    assert set(begun.states) == {"web1", "web2"}
    assert not begun.instead
    assert all(run.has_host for run in runs)


def test_the_same_that_somebody_else_has_done_on_all_hosts_is_done() -> None:
    begun = begin(host("web1", THEIRS), host("web2", THEIRS))
    assert begun == Beginning(instead=LIVE)


def test_what_somebody_else_has_done_on_some_hosts_is_not_done_on_the_others() -> None:
    runs = host("web1", THEIRS), host("web2")
    with pytest.raises(DeployRefusedError, match=r"was not done on web2: .* on web1 only"):
        begin(*runs)
    assert not any(run.has_host for run in runs)


@pytest.mark.parametrize(("what", "repeats"), [(OTHER, True), (OURS, False)])
def test_what_may_be_something_else_is_not_done(what: str, repeats: bool) -> None:
    with pytest.raises(DeployRefusedError, match=r"was not done: deploy of hello .* by ann@desk"):
        begin(host("web1", THEIRS), host("web2", THEIRS), what=what, repeats=repeats)


def test_the_same_that_came_to_nothing_is_not_done() -> None:
    runs = host("web1", THEIRS), host("web2", THEIRS, fails=True)
    assert begin(*runs) == Beginning()
    assert runs[1].report.status == "failed"


def test_the_same_that_two_others_have_done_at_hosts_of_their_own_is_not_one_release() -> None:
    what = "restart of hello"
    runs = host("web1", what), host("web2", what, live=OTHER.rpartition(" ")[2])
    with pytest.raises(DeployRefusedError, match="hello is not on one release: "):
        begin(*runs, what=what)
