"""Bring hosts to the state that the inventory describes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from provisioning.agent.gather import facts_digest
from provisioning.errors import ResourceFailedError
from provisioning.plan import make_plan
from provisioning.remembered import recall_facts, remember_facts
from provisioning.roles import compile_host
from provisioning.session import OtherFacts

if TYPE_CHECKING:
    from provisioning.agent.facts import Facts
    from provisioning.host_run import HostRun
    from provisioning.inventory import Inventory
    from provisioning.inventory.host import Host
    from provisioning.plan import Plan
    from provisioning.roles import GivenCertificate, Role

PLANS = 3
"""Facts change once while a host gets its packages; if they change for ever, it is ill."""


def plan_provision(
    inventory: Inventory,
    host: Host,
    facts: Facts,
    own_roles: Mapping[str, Role],
    certificate: GivenCertificate | None = None,
) -> Plan:
    """Return what a host should be, as a plan made for these facts.

    Raises:
        ConfigurationError: a role makes no sense of it.
    """
    resources = compile_host(inventory, host, facts, own_roles, given_certificate=certificate)
    return make_plan(resources, facts=facts_digest(facts))


def provision_host(
    run: HostRun,
    host: Host,
    inventory: Inventory,
    plan_for: Callable[[Facts], Plan],
) -> None:
    """Bring one host to its desired state.

    The plan is made from the facts that are remembered of the host; only a host with other
    facts costs another exchange.
    """
    facts = recall_facts(inventory.environment, host.address)
    if facts is None:
        facts = run.facts()
    for _ in range(PLANS):
        ended = run.carry_out(plan_for(facts))
        if not isinstance(ended, OtherFacts):
            remember_facts(inventory.environment, host.address, facts)
            return
        facts = ended.facts
    raise ResourceFailedError(
        f"cannot provision {host.name}: its facts change faster than it can be planned for",
        hint="look for something that installs packages there all the time",
    )
