"""What may be said when: the table of a conversation, looked at as a whole."""

from __future__ import annotations

import pytest

from provisioning.agent.events import Done, Started
from provisioning.agent.runs.messages import Failed, RunEnded
from provisioning.protocol.transitions import HEARD, SAID, PlanDone, RunDied, State, kind_of


def _reached_from(state: State) -> set[State]:
    found, waiting = {state}, [state]
    while waiting:
        here = waiting.pop()
        new = {there for (at, _), there in {**SAID, **HEARD}.items() if at is here} - found
        found |= new
        waiting += new
    return found


@pytest.mark.parametrize("state", State, ids=lambda state: state.name)
def test_every_state_is_reached_and_left(state: State) -> None:
    assert state in _reached_from(State.STARTING)
    assert State.IDLE in _reached_from(state)


def test_a_host_cannot_start_anything() -> None:
    """Out of IDLE leads only what the controller says."""
    assert {there for (at, _), there in HEARD.items() if at is State.IDLE} == {State.IDLE}
    assert {there for (at, _), there in HEARD.items() if at is State.STARTING} == {State.IDLE}


def test_a_run_that_ends_is_no_mans_run() -> None:
    runs = {state for state, kind in HEARD if kind is RunEnded}
    left = {HEARD[state, RunEnded] for state in runs}
    assert left == {State.IDLE, State.ASKED, State.BEGINNING}


def test_only_the_end_of_its_own_plan_ends_a_plan() -> None:
    assert kind_of(Done("1"), "1") is PlanDone
    assert kind_of(Done("2"), "1") is Done
    assert kind_of(Done(""), "") is Done
    assert HEARD[State.RUN_SUBMITTED, Done] is State.RUN_SUBMITTED
    assert HEARD[State.RUN_SUBMITTED, PlanDone] is State.RUN


def test_a_run_that_died_is_told_from_one_that_failed() -> None:
    assert kind_of(Failed("no", died=True), "") is RunDied
    assert kind_of(Failed("no"), "") is Failed
    assert kind_of(Started("file:/a"), "") is Started
