"""Messages on the wire: the names of keys stay, since a run may be of an earlier version."""

from __future__ import annotations

import json

import pytest

from provisioning.agent.runs.messages import (
    Ask,
    Begin,
    End,
    Ping,
    Request,
    Stop,
    Submit,
    Unreadable,
    Watch,
    message_of,
    request_of,
)

SUBMIT = Submit(
    resources=[{"type": "file"}],
    run="1",
    who="me@here",
    what="deploy of hello",
    check=True,
    diff=True,
    owner="shop/production",
    adopt=("file:/etc/x",),
    facts="abc",
    candidates=("nginx",),
    final=False,
    on_failure=[{"type": "directory"}],
)
PLAN = {
    "plan": [{"type": "file"}],
    "run": "1",
    "who": "me@here",
    "what": "deploy of hello",
    "check": True,
    "diff": True,
    "owner": "shop/production",
    "adopt": ["file:/etc/x"],
    "facts": "abc",
    "candidates": ["nginx"],
    "last": False,
    "otherwise": [{"type": "directory"}],
}

REQUESTS: list[tuple[Request, dict[str, object]]] = [
    (Ask("logs", {"app": "hello"}), {"ask": "logs", "app": "hello"}),
    (SUBMIT, PLAN),
    (Begin("1", "me", "this"), {"begin": "1", "who": "me", "what": "this"}),
    (Watch("1"), {"watch": "1"}),
    (Watch("1", True, 3, SUBMIT), {"watch": "1", "owner": True, "after": 3, "next": PLAN}),
    (End(), {"end": 1}),
    (Stop(), {"stop": 1}),
    (Ping(), {"ping": 1}),
]


@pytest.mark.parametrize(("request_", "message"), REQUESTS)
def test_a_request_is_on_the_wire_as_ever(request_: Request, message: dict[str, object]) -> None:
    assert json.loads(json.dumps(message_of(request_))) == message
    assert request_of(message) == request_


def test_a_plan_outside_of_a_run_says_nothing_of_failures() -> None:
    message = message_of(Submit([], "1"))
    assert "otherwise" not in message
    assert request_of(message) == Submit([], "1")


def test_what_an_earlier_controller_does_not_say_has_its_default() -> None:
    assert request_of({"plan": [], "run": "1", "last": True}) == Submit([], "1")
    assert request_of({"plan": [], "run": "1", "newer": 1}) == Submit([], "1")


def test_a_plan_that_cannot_be_read_is_said_to_be_so() -> None:
    message = {"plan": [], "run": "1", "adopt": 3}
    assert isinstance(request_of(message), Unreadable)
    assert message_of(request_of(message)) == message
    assert isinstance(request_of({"plan": []}), Unreadable)
