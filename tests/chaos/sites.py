"""Hosts on which the example app is live, made once per lab: later parts find them again."""

from __future__ import annotations

from provisioning.lab import Lab, LabHost
from tests.e2e.project import Project, Result
from tests.e2e.roads import lead_domains_to

SUITES = ("bookworm", "trixie")

LIVE = "deployed"
"""Name of the snapshot; as in tests/e2e/roads.py, which has such hosts in a run of all tests."""

BETWEEN = "[apps.hello]\n"
"""A line of the inventory before which tables can stand."""


def site(project: Project, suite: str) -> LabHost:
    """Return a running host of a Debian on which the example app is live, freshly restored."""
    lab = project.lab
    for name in (f"{suite}-site", f"{suite}-chaos"):
        if name in lab.hosts and LIVE in lab.hosts[name].snapshots:
            host = lab.hosts[name]
            lead_domains_to(lab, host)
            host.restore(LIVE)
            return host
    [host] = lab.up([name], suite=suite)
    lead_domains_to(lab, host)
    project.fab("-H", name, "provision").must_succeed()
    project.fab("deploy", "--limit", name).must_succeed()
    host.snapshot(LIVE)
    return host


def sites(project: Project) -> list[LabHost]:
    """Return one such host of each Debian, for deploys to all of them."""
    hosts = [site(project, suite) for suite in SUITES]
    # Each was made by itself, with a secret of its own.
    hosts[1].shell("rm -f /srv/hello/secrets.json")
    return hosts


def switch_off(lab: Lab) -> None:
    """Switch all hosts off, whatever they are at."""
    for host in lab.hosts.values():
        host.power_cut()


def shortened(result: Result, chars: int = 3000) -> str:
    """Return how a command ended, and the end of what it said."""
    return f"exit code {result.code}\n{result.output[-chars:]}"
