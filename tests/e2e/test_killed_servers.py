"""Servers killed under load: nothing is lost but what was on a killed worker's own connections."""

from __future__ import annotations

from functools import partial

import pytest

from provisioning.lab import Lab, LabHost
from tests.e2e.kinds import STEADY
from tests.e2e.project import Project
from tests.e2e.site import Site
from tests.e2e.steps import (
    deploy_change,
    lift_rate_limit,
    live_on,
    must_run_only,
    provision,
    wait_for,
)
from tests.e2e.visitors import visitors
from tests.suites import FIRST_TRIXIE

pytestmark = pytest.mark.lab

KILLS = 3
CLIENTS = sum(kind.clients for kind in STEADY)
STARTS = 2
"""In vain, before the app can start again."""


@pytest.mark.parametrize("suite", FIRST_TRIXIE)
def test_a_killed_master_of_gunicorn_loses_no_request(
    lab: Lab, project: Project, deployed_host, suite
):
    host = deployed_host(suite)
    lift_rate_limit(project, host)
    live = live_on(host)
    with visitors(lab, host) as visits:
        for _ in range(KILLS):
            _kill_master(host)
        restarts = int(_shown(host, "NRestarts"))
        # The workers of the last one may still be at work: it is retired like any release.
        after = deploy_change(project, host)
    visits.must_have_lost_nothing()
    assert restarts == KILLS
    assert visits.releases == {live, after}
    must_run_only(host, after)
    assert _processes(host, live) == []


def test_a_killed_worker_of_nginx_loses_what_was_on_its_connections_at_most(
    lab: Lab, project: Project, deployed_host
):
    host = deployed_host()
    lift_rate_limit(project, host)
    master = host.shell("systemctl show -P MainPID nginx")
    workers = len(_nginx_workers(host))
    with visitors(lab, host) as visits:
        for _ in range(KILLS):
            killed = _nginx_workers(host)[0]
            host.shell(f"kill -KILL {killed}")
            wait_for(partial(_is_replaced, host, killed, workers))
    # Each client has one connection at a time. A kept one that was idle is opened again.
    assert len(visits.failures) + visits.result["reopened"] <= KILLS * CLIENTS
    # No other worker, and no worker that came after, has answered with an error.
    assert [each for each in visits.failures if " status " in each] == []
    assert Site(lab, host).get("/").status == 200
    assert host.shell("systemctl show -P MainPID nginx") == master


def test_a_site_comes_back_by_itself_when_its_app_can_start_again(lab: Lab, deployed_host):
    host = deployed_host()
    site, live = Site(lab, host), live_on(host)
    package = f"/srv/hello/releases/{live}/code/app"
    host.shell(f"mv {package} {package}.away; kill -KILL {_shown(host, 'MainPID')}")
    wait_for(lambda: int(_shown(host, "NRestarts")) > STARTS)
    # Visitors are told at once: they do not wait in the queue of an app that cannot start.
    assert site.get("/").status in (502, 503)
    host.shell(f"mv {package}.away {package}")
    wait_for(lambda: site.get("/").status == 200)
    _kill_master(host)
    wait_for(lambda: site.get("/").status == 200)
    must_run_only(host, live)


def test_a_web_server_whose_socket_was_stopped_is_mended_by_the_next_run(
    lab: Lab, project: Project, deployed_host
):
    host = deployed_host()
    live = live_on(host)
    host.shell(f"systemctl stop hello@{live}.socket")
    assert Site(lab, host).get("/").status == 503
    provision(project, host).must_succeed()
    assert Site(lab, host).get("/").status == 200
    must_run_only(host, live)


def test_a_worker_without_master_ends_with_its_release(lab: Lab, project: Project, deployed_host):
    host = deployed_host()
    project.configure("[apps.hello.timers]\n", "drain_timeout_s = 1\n\n[apps.hello.timers]\n")
    live = live_on(host)
    slow = Site(lab, host).connection()
    try:
        slow.request("GET", "/slow?seconds=30", headers={"Host": "hello.lab"})
        wait_for(lambda: _connections(host, live) == 1)
        workers = set(_processes(host, live)) - {_shown(host, "MainPID")}
        _kill_master(host)
        wait_for(lambda: len(workers & set(_processes(host, live))) == 1)
        # It finishes what it is at, temporary files included, while its release is drained.
        [orphan] = workers & set(_processes(host, live))
        host.shell(f"touch /proc/{orphan}/root/tmp/there /proc/{orphan}/root/var/tmp/there")
        assert _connections(host, live) == 1
        after = deploy_change(project, host)
    finally:
        slow.close()
    must_run_only(host, after)
    assert _processes(host, live) == []


def _kill_master(host: LabHost) -> None:
    """Kill gunicorn's master of the live release; return when there is another one."""
    before = _shown(host, "MainPID")
    host.shell(f"kill -KILL {before}")
    wait_for(lambda: _shown(host, "MainPID") not in ("0", before))
    wait_for(lambda: _shown(host, "ActiveState") == "active")


def _shown(host: LabHost, name: str) -> str:
    """Return a property of the live release's unit."""
    return host.shell(f"systemctl show -P {name} hello@{live_on(host)}.service").strip()


def _processes(host: LabHost, release: str) -> list[str]:
    """Return the ids of the processes that run from a release's directory."""
    return host.run("pgrep", "-f", f"^[^ ]*python[^ ]* .*{release}", check=False).stdout.split()


def _is_replaced(host: LabHost, killed: str, workers: int) -> bool:
    """Tell whether nginx has all its workers again."""
    now = _nginx_workers(host)
    return killed not in now and len(now) == workers


def _nginx_workers(host: LabHost) -> list[str]:
    return host.run("pgrep", "-f", "^nginx: worker process", check=False).stdout.split()


def _connections(host: LabHost, release: str) -> int:
    """Return how many connections a release's socket has."""
    table = host.shell("cat /proc/net/unix")
    # Source: proc(5), /proc/net/unix: state 03 is connected.
    return sum(line.split()[5] == "03" for line in table.splitlines() if f"/{release}.sock" in line)
