"""`fab provision`: bring hosts to their desired state."""

from __future__ import annotations

from provisioning.agent.facts import Facts
from provisioning.cli.context import Scene
from provisioning.cli.options import Options
from provisioning.hosts.host import HostRun
from provisioning.operations.provision import plan_provision, provision_host
from provisioning.protocol.plan import Plan
from provisioning.roles import load_own_roles, read_given_certificate


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
    scene = Scene(options)
    own_roles = load_own_roles(scene.project)
    certificate = read_given_certificate(scene.inventory)
    crew = scene.crew(scene.hosts)
    hosts = dict(zip(crew.runs, scene.hosts, strict=True))

    def work(run: HostRun) -> None:
        host = hosts[run]

        def plan_for(facts: Facts) -> Plan:
            return plan_provision(scene.inventory, host, facts, own_roles, certificate)

        provision_host(run, host, scene.inventory, plan_for)

    verb = "Checking" if options.check else "Provisioning"
    scene.sink.begin(
        f"{verb} {scene.inventory.environment}",
        [host.name for host in scene.hosts],
        check=options.check,
    )
    crew.all(work)
    return scene.end(crew.runs, exit_code_on_change=exit_code_on_change)
