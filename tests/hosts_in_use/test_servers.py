"""Servers of others go on beside Homeport, whatever it does and wherever it is cut off."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

import pytest

from provisioning.lab import Lab, LabHost
from tests.e2e.listing import Listing
from tests.e2e.project import Project
from tests.e2e.roads import lead_domains_to
from tests.e2e.site import Site
from tests.e2e.steps import (
    change_code,
    cut_off,
    deploy,
    deploy_change,
    must_run_only,
    provision,
    rollback,
)
from tests.hosts_in_use.servers import PAGE_OF_NGINX, SERVERS, as_they_are

pytestmark = [pytest.mark.lab, pytest.mark.thorough]

ROUNDS = 4
"""How often each command is cut off, in its first seconds mostly."""

COMMANDS = (
    ("provision",),
    ("deploy",),
    ("rollback",),
    ("remove", "hello", "--yes"),
    ("provision",),
    ("deploy",),
    ("remove", "hello", "--data", "--yes"),
)


@pytest.fixture(scope="module", params=["bookworm", "trixie"])
def host(lab: Lab, request: pytest.FixtureRequest) -> Iterator[LabHost]:
    name = f"servers-{request.param}"
    host = lab.up([name], suite=request.param)[0]
    lead_domains_to(lab, host)
    host.shell("apt-get -qq update && apt-get -qq -y install python3 openssl >/dev/null 2>&1")
    for server in SERVERS.values():
        host.shell(server.make)
    yield host
    lab.remove(name)


@pytest.fixture(scope="module")
def before(host: LabHost) -> Listing:
    for name, server in SERVERS.items():
        assert host.shell(server.asks) == server.answer, name
    return as_they_are(host)


def test_they_go_on_while_every_command_is_cut_off_again_and_again(
    lab: Lab, project: Project, host: LabHost, before: Listing
) -> None:
    chance = random.Random(11)
    for command in COMMANDS:
        for number in range(ROUNDS):
            if command == ("deploy",):
                change_code(project)
            _cut_off(project, host, command, chance, kills_agent=number % 2 == 0)
            assert as_they_are(host) == before, command
        _complete(project, host, command)
        assert as_they_are(host) == before, command
        assert PAGE_OF_NGINX not in host.shell("ls /var/www/html"), command


def test_they_go_on_beside_an_app(
    lab: Lab, project: Project, host: LabHost, before: Listing
) -> None:
    provision(project, host).must_succeed()
    first = deploy(project, host)
    deploy_change(project, host)
    assert rollback(project, host) == first
    assert Site(lab, host).get("/healthz").status == 200
    assert "nothing had to be changed" in provision(project, host).must_succeed().output
    assert as_they_are(host) == before


def _cut_off(
    project: Project,
    host: LabHost,
    command: tuple[str, ...],
    chance: random.Random,
    *,
    kills_agent: bool,
) -> None:
    """Kill the agent on the host, or the command here, at any moment."""
    process = project.start("-H", host.name, *command)
    time.sleep(min(chance.expovariate(1 / 4), 15))
    cut_off(process, host, kills_agent=kills_agent)


def _complete(project: Project, host: LabHost, command: tuple[str, ...]) -> None:
    result = project.fab("-H", host.name, *command)
    if command == ("rollback",) or (command[0] == "remove" and result.code != 0):
        # Where one that was cut off had done all of it, there is nothing left to do it to.
        assert result.code in (0, 1, 4), result.output
        assert "Traceback" not in result.output
    else:
        result.must_succeed()
    if command == ("deploy",):
        must_run_only(host, result.stdout.rpartition("hello ")[2].partition(" is live")[0])
