"""Frames from a controller, some of which are for a run in the background."""

from __future__ import annotations

from provisioning.agent.runs.inbox import Inbox
from provisioning.agent.runs.messages import Begin, Submit, message_of
from provisioning.agent.runs.wire import Frame


def test_what_begins_another_run_is_not_handed_to_the_one_that_ends() -> None:
    inbox, handed = Inbox(), list[Frame]()
    plan = message_of(Submit([], "1"))
    inbox.take(plan)
    inbox.forward_to(handed.append)
    inbox.take({"ask": "facts"})
    inbox.take({"begin": "2"})
    inbox.keep()
    assert handed == [plan, {"ask": "facts"}]
    assert inbox.next_message() == Begin("2")
