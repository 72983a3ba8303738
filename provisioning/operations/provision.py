"""Bring hosts to the state that the inventory describes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from provisioning.agent.facts import VERSIONS, facts_digest
from provisioning.agent.runs.messages import OtherFacts
from provisioning.errors import HomeportError, ResourceFailedError
from provisioning.hosts.facts_cache import recall_facts, remember_facts
from provisioning.operations.watched_facts import WatchedFacts
from provisioning.protocol.plan import make_plan
from provisioning.roles import compile_host, web_server_units

if TYPE_CHECKING:
    from provisioning.agent.facts import Facts
    from provisioning.hosts.client import Ended
    from provisioning.hosts.host import RemoteHost
    from provisioning.inventory import Inventory
    from provisioning.inventory.models.host import Host
    from provisioning.protocol.plan import Plan
    from provisioning.roles import GivenCertificate, Role
    from provisioning.roles.site import Given

PLANS = 3
"""Facts change once while a host gets its packages; if they change for ever, it is ill."""


def plan_provision(
    inventory: Inventory,
    host: Host,
    facts: Facts,
    own_roles: Mapping[str, Role],
    certificate: GivenCertificate | None = None,
    given: Mapping[str, Given] | None = None,
) -> Plan:
    """Return what a host should be, as a plan made for these facts.

    Raises:
        ConfigurationError: a role makes no sense of it.
    """
    made = compile_host(
        inventory, host, facts, own_roles, given_certificate=certificate, given=given
    )
    return make_plan(made.resources, facts=facts_digest(facts), roles=made.roles)


def provision_host(
    run: RemoteHost,
    host: Host,
    inventory: Inventory,
    plan_for: Callable[[Facts], Plan],
    carry_out: Callable[[Plan], Ended | OtherFacts] | None = None,
) -> None:
    """Bring one host to its desired state; or, with `carry_out`, have the plan for it previewed.

    The plan is made from the facts that are remembered of the host; only a host with other
    facts costs another exchange. What nobody looks at, the host is not asked for.
    """
    facts = recall_facts(inventory.environment, host.address)
    if facts is None:
        facts = _first_facts(run, plan_for)
    for _ in range(PLANS):
        ended = (carry_out or run.carry_out)(_plan(plan_for, WatchedFacts.of(facts)))
        if not isinstance(ended, OtherFacts):
            # What a host has become through this run: the next one begins there.
            units = " ".join(web_server_units(inventory, host))
            known = replace(facts, web_units=units) if units else facts
            remember_facts(inventory.environment, host.address, known)
            return
        facts = ended.facts
    raise ResourceFailedError(
        f"cannot provision {host.name}: its facts change faster than Homeport can plan for them",
        hint="look for a program that keeps installing packages there",
    )


def _first_facts(run: RemoteHost, plan_for: Callable[[Facts], Plan]) -> Facts:
    """Return the facts of a host that nobody remembers, with the versions that its roles look at.

    What apt would install, a host is asked for only where that matters: it takes package lists.
    """
    asked: set[str] = set()
    facts = run.facts()
    for _ in VERSIONS:
        watched = WatchedFacts.of(facts)
        # A role may make no sense of what is not known yet.
        with contextlib.suppress(HomeportError):
            plan_for(watched)
        unknown = {name for name in watched.looked_at if not getattr(facts, name)} - asked
        if not unknown:
            break
        asked |= watched.looked_at
        facts = run.facts(candidates=sorted(asked))
    return facts


def _plan(plan_for: Callable[[Facts], Plan], facts: WatchedFacts) -> Plan:
    plan = plan_for(facts)
    return replace(plan, candidates=tuple(sorted(facts.looked_at)))
