"""`fab provision`: bring hosts to their desired state."""

from __future__ import annotations

from collections.abc import Sequence

from provisioning.agent.facts import Facts
from provisioning.cli.context import CommandContext
from provisioning.cli.options import Options
from provisioning.deploy.requirements.python_version import must_suit_host
from provisioning.hosts.host import RemoteHost
from provisioning.operations.provision import plan_provision, provision_host
from provisioning.protocol.plan import Plan
from provisioning.roles import load_own_roles, read_given, read_given_certificate


def provision(
    options: Options,
    *,
    exit_code_on_change: bool = False,
) -> int:
    """Bring hosts to their desired state, or say what that would change.

    Args:
        options: What the person said.
        exit_code_on_change: With --check: end with 5 where something would change.

    Returns:
        The exit code.
    """
    context = CommandContext(options)
    own_roles = load_own_roles(context.project)
    certificate = read_given_certificate(context.inventory)
    here = {app.name: app for host in context.hosts for app in context.inventory.apps_on(host)}
    given = read_given(
        context.inventory,
        here.values(),
        warn=lambda warning: context.sink.note(f"warning: {warning}"),
    )
    fleet = context.fleet(context.hosts)
    hosts = dict(zip(fleet.runs, context.hosts, strict=True))

    def work(run: RemoteHost) -> None:
        host = hosts[run]

        def plan_for(facts: Facts) -> Plan:
            must_suit_host(context.inventory, host, facts)
            return plan_provision(context.inventory, host, facts, own_roles, certificate, given)

        provision_host(run, host, context.inventory, plan_for)

    verb = "Checking" if options.check else "Provisioning"
    context.sink.begin(
        f"{verb} {context.inventory.environment}",
        [host.name for host in context.hosts],
        check=options.check,
    )
    fleet.all(work)
    return context.end(
        fleet.runs, exit_code_on_change=exit_code_on_change, next=_next(context, fleet.runs)
    )


def _next(context: CommandContext, runs: Sequence[RemoteHost]) -> list[str]:
    """Return what comes after the first provision of a host for an app: its first deploy."""
    if context.options.check or not all(run.report.went_well for run in runs):
        return []
    new = [
        app
        for app in context.inventory.apps.values()
        if any(run.report.has_changed(f"user:{app.name}") for run in runs)
    ]
    return ["next: fab deploy"] if new else []
