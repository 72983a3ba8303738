"""All hosts end on one release, whatever becomes of the run on one of them."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterable
from typing import Any

import pytest

from provisioning.agent.events import CHANGED, FAILED, Finished
from provisioning.agent.facts import Facts
from provisioning.deploy.begin import Beginning
from provisioning.deploy.phases import Change, Planner, Step
from provisioning.deploy.rollout import Rollout
from provisioning.errors import InterruptedRunError, ResourceFailedError
from provisioning.hosts.fleet import Fleet
from provisioning.inventory.models.app import App
from provisioning.protocol.session import RunDiedError
from provisioning.resources import Virtualenv
from tests.fakes.answers import app_state
from tests.fakes.hooks import NoHooks
from tests.fakes.remote_host import SwitchingHost

OLD, NEW = "20260101T000000.000Z-aaaaaaa", "20260202T000000.000Z-bbbbbbb"
NEWER = "20260303T000000.000Z-ccccccc"
HOSTS = ("web1", "web2", "web3")


def host(name: str, **becomes: bool) -> SwitchingHost:
    return SwitchingHost(name, OLD, NEW, **becomes)


def rollout(
    runs: list[SwitchingHost],
    batch: object,
    before: str = OLD,
    *,
    pause_s: int = 0,
    build: Any = (),
) -> Rollout:
    given: Any = {"batch": batch, "pause_s": pause_s, "domains": ["hello.example"]}
    app = App(name="hello", source=".", wsgi="app:app", **given)
    fleet: Any = Fleet(runs)  # type: ignore[arg-type]
    hooks: Any = NoHooks()
    change = Change(app, NEW, https=True, by="me")
    names = [run.name for run in runs]
    begun = Beginning(
        {name: app_state(live=before) for name in names}, {name: Facts() for name in names}
    )
    phases = Planner(change, begun, hooks).plan(Step(None, dict.fromkeys(names, build)))
    return Rollout(fleet, change, phases, hooks)


@pytest.mark.parametrize("batch", [1, "100%"])
@pytest.mark.parametrize("victim", HOSTS)
def test_a_host_whose_run_dies_right_after_its_switch_is_taken_back(victim: str, batch: object):
    runs = [host(name, dies=name == victim) for name in HOSTS]
    assert not rollout(runs, batch).carry_out()
    assert {run.name: run.live for run in runs} == dict.fromkeys(HOSTS, OLD)
    assert all(run.running == {OLD} for run in runs)
    [died] = [run for run in runs if run.report.error]
    assert died.name == victim
    assert isinstance(died.report.error, RunDiedError)


def test_a_host_that_cannot_be_reached_any_more_is_named():
    runs = [host("web1"), host("web2", dies=True, comes_back=False), host("web3")]
    assert not rollout(runs, 1).carry_out()
    assert {run.name: run.live for run in runs} == {"web1": OLD, "web2": NEW, "web3": OLD}
    assert runs[1].report.status == "unreachable"
    assert runs[1].notes == [f"{NEW} may be live here: it could not be reverted"]


@pytest.mark.parametrize("batch", [1, "100%"])
@pytest.mark.parametrize("victim", HOSTS)
def test_a_host_that_went_back_by_itself_takes_the_others_along(victim: str, batch: object):
    runs = [host(name, deaf=name == victim) for name in HOSTS]
    assert not rollout(runs, batch).carry_out()
    assert {run.name: run.live for run in runs} == dict.fromkeys(HOSTS, OLD)
    assert all(run.running == {OLD} for run in runs)


@pytest.mark.parametrize("before", [OLD, ""])
def test_what_somebody_else_has_deployed_meanwhile_is_left_alone(before: str):
    """All went back while their controller slept, and were free: somebody has used that."""
    runs = [host(name) for name in HOSTS]
    for run in runs:
        run.live, run.running = before, {before, NEW} - {""}
    pausing = rollout(runs, 1, before, pause_s=1)

    def sleep(seconds: float) -> None:
        for run in runs:
            run.go_silent()
            run.live, run.running = NEWER, {NEWER}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("time.sleep", sleep)
        assert not pausing.carry_out()
    assert {run.name: run.live for run in runs} == dict.fromkeys(HOSTS, NEWER)
    assert all(run.running == {NEWER} for run in runs)
    assert runs[0].notes[-1] == f"another command has made {NEWER} live here; it stays live"


def test_a_release_that_is_live_again_is_not_started_anew():
    """It may be ill: to ask for its health would be to end it."""
    runs = [host("web1"), host("web2", deaf=True)]
    started: list[Any] = []
    make = SwitchingHost.make

    def note_starts(run: SwitchingHost, resources: Iterable[Any]) -> None:
        known = list(resources)
        started.extend(each for each in known if each.kind == "release-running")
        make(run, known)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SwitchingHost, "make", note_starts)
        assert not rollout(runs, 1).carry_out()
    assert {run.live for run in runs} == {OLD}
    assert started == []


class Dead(BaseException):
    """The controller is no more."""


@pytest.mark.parametrize("batch", [1, 2, "100%"])
@pytest.mark.parametrize("rounds", range(1, 11))
def test_hosts_end_on_one_release_whatever_round_their_controller_dies_before(
    rounds: int, batch: object, monkeypatch: pytest.MonkeyPatch
):
    runs, count, converge = [host(name) for name in HOSTS], itertools.count(), Fleet.converge

    def die_before(fleet: Fleet, *arguments: Any, **options: Any) -> list[Any]:
        if next(count) == rounds:
            raise Dead
        return converge(fleet, *arguments, **options)

    monkeypatch.setattr(Fleet, "converge", die_before)
    with contextlib.suppress(Dead):
        rollout(runs, batch).carry_out()
    for run in runs:
        if run.has_host:
            run.go_silent()
    assert len({run.live for run in runs}) == 1, {run.name: run.live for run in runs}
    assert all(run.running == {run.live} for run in runs)


@pytest.mark.parametrize("rounds", range(3))
def test_nothing_goes_live_after_ctrl_c_whatever_round_it_comes_in(
    rounds: int, monkeypatch: pytest.MonkeyPatch
):
    """Whoever presses it while the last host gets ready finds no host that has switched."""
    runs, count, converge = [host(name) for name in HOSTS], itertools.count(), Fleet.converge

    def stop_in(fleet: Fleet, *arguments: Any, **options: Any) -> list[Any]:
        done = converge(fleet, *arguments, **options)
        if next(count) == rounds:
            # It came too late for any of them to stop at what it was at.
            for run in runs:
                run.is_stopping = True
        return done

    monkeypatch.setattr(Fleet, "converge", stop_in)
    assert not rollout(runs, 1).carry_out()
    for run in runs:
        assert (run.live, run.running, run.has_host) == (OLD, {OLD}, False)
        assert isinstance(run.report.error, InterruptedRunError)


@pytest.mark.parametrize("names", [HOSTS[:1], HOSTS])
@pytest.mark.parametrize(("kind", "goes_live"), [("virtualenv", False), ("pruned", True)])
def test_what_fails_after_the_switch_leaves_the_release_live(
    names: tuple[str, ...], kind: str, goes_live: bool, monkeypatch: pytest.MonkeyPatch
):
    runs, make = [host(name) for name in names], SwitchingHost.make

    def fail(run: SwitchingHost, resources: Iterable[Any]) -> None:
        for resource in resources:
            if resource.kind == kind and run is runs[-1]:
                run.report.hear(Finished(f"{kind}:hello", FAILED))
                raise ResourceFailedError("cannot")
            make(run, [resource])
            if resource.kind == "live-release" and resource.release == NEW:
                run.report.hear(Finished("live-release:hello", CHANGED))

    def converge(run: SwitchingHost, resources: Iterable[Any], **options: Any) -> bool:
        try:
            return told(run, resources, **options)
        except ResourceFailedError:
            make(run, options["on_failure"])
            run.has_host = False
            return False

    told = SwitchingHost.converge
    monkeypatch.setattr(SwitchingHost, "make", fail)
    monkeypatch.setattr(SwitchingHost, "converge", converge)
    build = [Virtualenv("/srv/hello/venvs/1", {})]
    assert rollout(runs, "100%", build=build).carry_out() is goes_live
    assert {run.live for run in runs} == {NEW if goes_live else OLD}
    assert all(run.running == {run.live} for run in runs)
