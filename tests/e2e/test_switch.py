"""Ten deploys and five rollbacks under load: no request is lost, no connection is closed."""

from __future__ import annotations

import os
import time

import pytest

from provisioning.lab import Lab
from tests.e2e.project import Project
from tests.e2e.steps import (
    change_code,
    deploy,
    deploy_change,
    lift_rate_limit,
    must_run_only,
    only,
    rollback,
)
from tests.e2e.visitors import Visits, visitors

pytestmark = pytest.mark.lab

UNDISTURBED_S = 10
REQUESTS = 4_000
BALLAST_BYTES = 2_000_000
AROUND_A_FILE_BYTES = 100_000
"""The connection, the plan with the digests of all files, and the agent if need be."""


def test_ten_deploys_and_five_rollbacks_lose_no_request(
    lab: Lab, project: Project, deployed_host, capsys
):
    host = deployed_host()
    lift_rate_limit(project, host)
    before = deploy(project, host)
    with visitors(lab, host) as undisturbed:
        time.sleep(UNDISTURBED_S)
    undisturbed.must_have_lost_nothing()
    went_live = [before]
    with visitors(lab, host) as visits:
        for _ in range(5):
            went_live.append(deploy_change(project, host))
            went_live.append(deploy_change(project, host))
            went_live.append(rollback(project, host))
    visits.must_have_lost_nothing()
    # Each of them was really seen: a switch that nobody could notice proves nothing.
    assert visits.releases == set(went_live)
    assert len(set(went_live)) == 11
    assert went_live[3] == went_live[1]
    # On a slow machine deploys take longer too: as many visitors see each of them.
    assert visits.requests >= REQUESTS
    must_run_only(host, went_live[-1])
    with capsys.disabled():
        print("\n" + _comparison(undisturbed, visits))


def _comparison(undisturbed: Visits, switching: Visits) -> str:
    rows = [
        f"{name}: {each.requests} requests, {each.result['per_second']} a second, "
        f"{len(each.failures)} failed, {each.result['reopened']} connections reopened; "
        f"slowest quick request {each.slowest_quick_ms:.0f} ms, "
        f"99 % within {each.p99_quick_ms:.0f} ms"
        for name, each in (("undisturbed", undisturbed), ("15 switches", switching))
    ]
    return "\n".join(rows)


def test_a_deploy_sends_only_the_files_that_have_changed(project: Project, deployed_host, capsys):
    host = deployed_host()
    ballast = project.app / "app" / "ballast.bin"
    ballast.write_bytes(os.urandom(BALLAST_BYTES))
    change_code(project)
    first = project.fab("-H", host.name, "deploy", "--json").must_succeed()
    change_code(project)
    second = project.fab("-H", host.name, "deploy", "--json").must_succeed()
    back = project.fab("-H", host.name, "rollback", "--json").must_succeed()
    costs = {
        name: only(result.events, "ended")
        for name, result in (("all", first), ("code only", second), ("rollback", back))
    }
    assert costs["all"]["bytes_sent"] > BALLAST_BYTES
    assert costs["code only"]["bytes_sent"] < AROUND_A_FILE_BYTES
    assert costs["rollback"]["bytes_sent"] < AROUND_A_FILE_BYTES
    for cost in costs.values():
        assert (cost["connections"], cost["channels"]) == (1, 1)
    # The release has the whole file all the same.
    live = host.path("/srv/hello/current/code/app/ballast.bin")
    assert live.read_bytes() == ballast.read_bytes()
    with capsys.disabled():
        for name, cost in costs.items():
            print(
                f"\n{name}: {cost['bytes_sent']} bytes up, {cost['round_trips']} round trips, "
                f"{cost['seconds']:.1f} s",
                end="",
            )
