"""Fixtures for the whole road: `fab` on real hosts, provisioned as seldom as possible.

`project` is a person's folder of the test's own. `provisioned_host` and `deployed_host` are
functions that give a running host at that point of the road: they restore a snapshot, which
is made once per suite and run. `bare_host` (tests/lab_fixtures.py) gives bare ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

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


@pytest.fixture
def project(lab: Lab, tmp_path: Path) -> Project:
    """Return a project with the example app; its hosts are those of the lab, as root."""
    return Project.create(tmp_path / "project", lab)


@pytest.fixture(scope="session")
def bookworm_road(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Road:
    """Go the road on Debian 12 as root."""
    project = Project.create(tmp_path_factory.mktemp("bookworm") / "project", lab)
    return _travel(project, "bookworm")


@pytest.fixture(scope="session")
def trixie_road(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Road:
    """Go the road on Debian 13 as a user whose sudo asks for a password."""
    project = Project.create(tmp_path_factory.mktemp("trixie") / "project", lab)
    project.env["LAB_SUDO_PASSWORD"] = lab.sudo_password
    # Also the first of the bare ones: what a check of it foretells is done to the other.
    users = "".join(
        f'[hosts.{name}]\nuser = "operator"\nsudo_password = {{ env = "LAB_SUDO_PASSWORD" }}\n\n'
        for name in ("trixie-site", "trixie1")
    )
    project.configure("[apps.hello]\n", f"{users}[apps.hello]\n")
    return _travel(project, "trixie")


@pytest.fixture
def provisioned_host(lab: Lab, request: pytest.FixtureRequest) -> Iterator[HostAt]:
    """Return a function that gives a provisioned host: `provisioned_host("trixie")`.

    Domains of the example app lead there; nothing is deployed yet.
    """
    yield from _restored(lab, request, "provisioned")


@pytest.fixture
def deployed_host(lab: Lab, request: pytest.FixtureRequest) -> Iterator[HostAt]:
    """Return a function that gives a host on which the example app is live."""
    yield from _restored(lab, request, "deployed")


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


def _restored(lab: Lab, request: pytest.FixtureRequest, snapshot: str) -> Iterator[HostAt]:
    given: list[LabHost] = []

    def give(suite: str = "bookworm") -> LabHost:
        road: Road = request.getfixturevalue(f"{suite}_road")
        lead_domains_to(lab, road.host)
        road.host.restore(snapshot)
        given.append(road.host)
        return road.host

    yield give
    for host in given:
        host.power_cut()
