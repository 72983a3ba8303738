"""The whole road: `fab` on real hosts, provisioned as seldom as possible.

The fixtures for it are in tests/conftest.py: tests of several folders share what is made here once
per suite and run.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from provisioning.lab import Lab, LabHost
from tests.e2e.project import Project, Result
from tests.e2e.site import Answer, Site

DOMAINS = ("hello.lab", "www.hello.lab")
"""The example app's, as in inventory/lab.toml."""

HostAt = Callable[..., LabHost]


@dataclass(frozen=True)
class Road:
    """What was seen on the way from a bare host to the app.

    Args:
        project: The folder it was done from.
        host: The host; its snapshots are `provisioned` and `deployed`.
        provision: `fab provision --json` on the bare host.
        unavailable: What a visitor got before the first deploy.
        deploy: `fab deploy --json`.
    """

    project: Project
    host: LabHost
    provision: Result
    unavailable: Answer
    deploy: Result


def bookworm_road(directory: Path, lab: Lab) -> Road:
    """Go the road on Debian 12 as root, from a directory that is made."""
    return _travel(Project.create(directory, lab), "bookworm")


def trixie_road(directory: Path, lab: Lab) -> Road:
    """Go the road on Debian 13 as a user whose sudo asks for a password."""
    project = Project.create(directory, lab)
    project.env["LAB_SUDO_PASSWORD"] = lab.sudo_password
    # Also the first of the bare ones: what a check of it foretells is done to the other.
    users = "".join(
        f'[hosts.{name}]\nuser = "operator"\nsudo_password = {{ env = "LAB_SUDO_PASSWORD" }}\n\n'
        for name in ("trixie-site", "trixie1")
    )
    project.configure("[apps.hello]\n", f"{users}[apps.hello]\n")
    return _travel(project, "trixie")


def lead_domains_to(lab: Lab, host: LabHost, domains: tuple[str, ...] = DOMAINS) -> None:
    """Let names lead to a host, for the authority and for the hosts."""
    for domain in domains:
        lab.set_domain(domain, host.name)


def _travel(project: Project, suite: str) -> Road:
    lab, name = project.lab, f"{suite}-site"
    host = lab.up([name], suite=suite)[0]
    lead_domains_to(lab, host)
    provision = project.fab("-H", name, "provision", "--json").must_succeed()
    unavailable = Site(lab, host).get("/")
    host.snapshot("provisioned")
    deploy = project.fab("deploy", "--limit", name, "--json").must_succeed()
    host.snapshot("deployed")
    host.power_cut()
    return Road(project, host, provision, unavailable, deploy)


@contextlib.contextmanager
def restored_hosts(lab: Lab, road_of: Callable[[str], Road], snapshot: str) -> Iterator[HostAt]:
    """Give a function that gives running hosts at a point of the road; switch them off at the end.

    Args:
        lab: Whose they are.
        road_of: Suite -> the road that was gone there.
        snapshot: The point: "provisioned" or "deployed".
    """
    given: list[LabHost] = []

    def give(suite: str = "bookworm") -> LabHost:
        road = road_of(suite)
        lead_domains_to(lab, road.host)
        road.host.restore(snapshot)
        given.append(road.host)
        return road.host

    try:
        yield give
    finally:
        for host in given:
            host.power_cut()
