"""What a host is asked for: the versions that somebody looks at, and no others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from provisioning.agent.facts import Facts
from provisioning.agent.runs.messages import message_of
from provisioning.errors import ConfigurationError
from provisioning.operations import provision
from provisioning.operations.watched_facts import WatchedFacts
from provisioning.protocol.plan import Plan, make_plan
from provisioning.protocol.submission import Submission
from tests.fakes.remote_host import BareHost

KNOWN = Facts(debian="12", python="3.11.2")
CANDIDATES = {"nginx": "1.22.1", "openssl": "3.0.1", "certbot": "2.1.0"}


def test_what_was_looked_at_is_known() -> None:
    watched = WatchedFacts.of(KNOWN)
    assert watched.to_json() == KNOWN.to_json()
    assert watched.debian == "12"
    assert watched.looked_at == set()
    assert watched.python == "3.11.2"
    assert watched.nginx == ""
    assert watched.looked_at == {"python", "nginx"}


def _nothing(facts: Facts) -> Plan:
    assert facts.cores
    return make_plan([])


def _nginx(facts: Facts) -> Plan:
    assert facts.python
    assert facts.nginx is not None
    return make_plan([])


def _one_after_the_other(facts: Facts) -> Plan:
    if facts.nginx and facts.openssl:
        assert facts.debian
    return make_plan([])


def _makes_no_sense_of_nothing(facts: Facts) -> Plan:
    if not facts.nginx:
        raise ConfigurationError("which nginx?")
    return make_plan([])


@pytest.mark.parametrize(
    ("plan_for", "asked"),
    [
        (_nothing, [[]]),
        (_nginx, [[], ["nginx", "python"]]),
        (_one_after_the_other, [[], ["nginx"], ["nginx", "openssl"]]),
        (_makes_no_sense_of_nothing, [[], ["nginx"]]),
    ],
)
def test_a_host_is_asked_for_what_its_roles_look_at(
    plan_for: Callable[[Facts], Plan], asked: list[list[str]]
) -> None:
    run = BareHost(KNOWN, CANDIDATES)
    facts = provision._first_facts(run, plan_for)  # type: ignore[arg-type]
    assert run.asked == asked
    assert provision._plan(plan_for, WatchedFacts.of(facts)).facts == ""


def test_a_version_that_is_nowhere_to_be_had_is_asked_for_once() -> None:
    run = BareHost(KNOWN, {})
    assert provision._first_facts(run, _nginx) == KNOWN  # type: ignore[arg-type]
    assert run.asked == [[], ["nginx", "python"]]


def test_a_plan_says_which_versions_it_depends_on() -> None:
    plan = provision._plan(_nginx, WatchedFacts.of(replace(KNOWN, nginx="1")))
    assert plan.candidates == ("nginx", "python")
    assert message_of(Submission(plan, who="x").request())["candidates"] == ["nginx", "python"]
    assert plan.facts == ""
