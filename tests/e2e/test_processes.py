"""Processes and timers: of the release that is live, and of no other."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from provisioning.lab import Lab, LabHost
from tests.e2e.project import Project
from tests.e2e.site import Site
from tests.e2e.steps import (
    agents,
    change_code,
    deploy,
    deploy_change,
    kill_agents,
    killed,
    live_on,
    must_run_only,
    provision,
    rollback,
    wait_for,
)
from tests.suites import FIRST_BOOKWORM

pytestmark = pytest.mark.lab

WORKER = '''\
"""A worker with a job that takes its time to finish."""

import os
import signal
import sys
import time

NAME = f"{os.environ['HOMEPORT_RELEASE']} {os.environ['HOMEPORT_PROCESS']}"


def finish(*_):
    time.sleep(1)
    with open("instance/finished", "a") as log:
        print(NAME, file=log)
    sys.exit(0)


signal.signal(signal.SIGTERM, finish)
print("at work", flush=True)
while True:
    signal.pause()
'''

LONG_JOB = "while test ! -e instance/end; do sleep 0.1; done; pwd > instance/ended\n"

PROCESSES = """\
[apps.hello.processes]
worker = { run = "python worker.py", count = 2, settle_s = 1 }

"""
OFTEN = """often = { run = "sh -c 'echo $HOMEPORT_RELEASE >> instance/ticks'", at = "*:*:0/2" }\n"""
LONG = """long = { run = "sh long.sh", at = "*:*:0/2" }\n"""
TIMERS = "[apps.hello.timers]\n"


def _with_processes(project: Project) -> None:
    (project.app / "worker.py").write_text(WORKER)
    (project.app / "long.sh").write_text(LONG_JOB)
    project.commit("a worker")
    project.configure(TIMERS, PROCESSES + TIMERS + OFTEN + LONG)


def _processes(host: LabHost) -> list[str]:
    """Return the processes that systemd knows of, in whatever state: "worker.1@<release>"."""
    shown = host.shell(
        "systemctl list-units --all --plain --no-legend 'hello.*@*.service'; "
        "ls /run/systemd/system | grep '^hello[.].*@' || true"
    )
    names = {line.split()[0] for line in shown.splitlines()}
    return sorted(name.removeprefix("hello.").removesuffix(".service") for name in names)


def _workers(release: str, count: int = 2) -> list[str]:
    return [f"worker.{number}@{release}" for number in range(1, count + 1)]


def _are_active(host: LabHost, release: str) -> bool:
    names = [f"hello.{name}.service" for name in _workers(release)]
    return host.run("systemctl", "is-active", "--quiet", *names, check=False).returncode == 0


def _is_at_work(host: LabHost, unit: str) -> bool:
    return host.run("systemctl", "is-active", unit, check=False).stdout.strip() == "active"


def _finished(host: LabHost) -> list[str]:
    """Return what workers have said when they were done: "<release> worker.<n>"."""
    path = host.path("/srv/hello/shared/instance/finished")
    return sorted(path.read_text().splitlines()) if path.exists() else []


def _last_tick(path: Path) -> str:
    return path.read_text().splitlines()[-1] if path.exists() else ""


def _must_run_whole(host: LabHost, release: str) -> None:
    """Fail the test unless a release runs with its processes, and nothing of another."""
    must_run_only(host, release)
    assert _processes(host) == _workers(release)
    assert _are_active(host, release)


def _must_have_been_up_before_nginx(host: LabHost, release: str) -> None:
    """Fail the test if a visitor could have come, after the boot, before the app was there."""

    def at(unit: str, event: str) -> int:
        return int(host.shell(f"systemctl show --value -p {event}TimestampMonotonic {unit}"))

    assert 0 < at(f"hello@{release}", "ActiveEnter") < at("nginx", "InactiveExit")


@pytest.mark.parametrize("suite", FIRST_BOOKWORM)
def test_they_move_with_the_release_and_vanish_with_the_inventory(
    lab: Lab, project: Project, deployed_host, suite: str
):
    host = deployed_host(suite)
    project.configure("web1", host.name)
    before = live_on(host)
    _with_processes(project)
    one = deploy(project, host)
    _must_run_whole(host, one)
    ticks = host.path("/srv/hello/shared/instance/ticks")
    wait_for(lambda: _last_tick(ticks) == one)

    two = deploy_change(project, host)
    _must_run_whole(host, two)
    # Both had the time to finish, and were waited for.
    assert _finished(host) == [f"{one} worker.1", f"{one} worker.2"]
    wait_for(lambda: _last_tick(ticks) == two)

    assert rollback(project, host) == one
    _must_run_whole(host, one)
    assert _finished(host)[2:] == [f"{two} worker.1", f"{two} worker.2"]
    wait_for(lambda: _last_tick(ticks) == one)

    ticks.unlink()
    host.reboot()
    wait_for(lambda: _are_active(host, one))
    _must_run_whole(host, one)
    wait_for(lambda: _last_tick(ticks) == one)
    wait_for(lambda: Site(lab, host).get("/").status == 200)
    _must_have_been_up_before_nginx(host, one)
    shown = project.fab("-H", host.name, "status", "--wide").must_succeed().stdout
    assert "worker 2/2" in shown
    assert re.search(r"often (20\d\d-|runs now)", shown), shown
    assert re.search(r"tidy 20\d\d-\d\d-\d\d 03:00:00", shown), shown

    instance = host.path("/srv/hello/shared/instance")
    wait_for(lambda: _is_at_work(host, "hello.long.service"))
    project.configure(PROCESSES + TIMERS + OFTEN + LONG, TIMERS)
    three = deploy_change(project, host)
    must_run_only(host, three)
    assert _processes(host) == []
    # What a timer has begun comes to its end, in the release in which it began.
    assert _is_at_work(host, "hello.long.service")
    (instance / "end").touch()
    wait_for(lambda: not _is_at_work(host, "hello.long.service"))
    assert (instance / "ended").read_text() == f"/srv/hello/releases/{one}/code\n"
    found = host.shell(
        "systemctl list-units --all --plain --no-legend 'hello.often*' 'hello.long*'; "
        "ls /run/systemd/system /var/lib/systemd/timers | grep 'hello[.][ol]' || true"
    )
    assert found == ""
    # A release runs what it was made to run, whatever the inventory says now.
    assert rollback(project, host) == one
    _must_run_whole(host, one)
    assert rollback(project, host, "--to", before) == before
    must_run_only(host, before)
    assert _processes(host) == []


def test_a_release_whose_process_does_not_run_is_refused_and_leaves_the_old_one(
    project: Project, deployed_host
):
    host = deployed_host()
    _with_processes(project)
    live = deploy(project, host)
    lines = project.inventory.read_text()
    ended = "import os, sys; sys.exit('the fleet is ill: ' + os.environ['SECRET_KEY'])"
    (project.app / "ill.py").write_text(ended)
    project.commit("a worker that ends")
    key = json.loads(host.path("/srv/hello/secrets.json").read_text())["SECRET_KEY"]
    for run, said in (
        ("python ill.py", ("the process worker ended with exit status 1", "the fleet is ill: ***")),
        ("celery --app app worker", ("the process worker cannot start: celery is neither",)),
        ("/etc/hostname", ("the process worker could not be started",)),
    ):
        project.inventory.write_text(lines.replace("python worker.py", run))
        # Long enough for a slow machine: it ends as soon as the process does.
        project.configure("settle_s = 1", "settle_s = 60")
        refused = project.fab("-H", host.name, "deploy")
        assert refused.code == 4, refused.output
        for words in said:
            assert words in refused.output
        assert key not in refused.output
        _must_run_whole(host, live)
    project.inventory.write_text(lines.replace("*:*:0/2", "Mon *-02-30"))
    refused = project.fab("-H", host.name, "deploy", "--json")
    assert refused.code == 4, refused.output
    assert refused.changed(host.name) == []
    assert "Next elapse: never" in refused.output
    assert _finished(host) == []

    # The web server does not answer: the switch is taken back.
    project.inventory.write_text(lines)
    host.shell("systemctl stop nginx")
    change_code(project)
    refused = project.fab("-H", host.name, "deploy")
    assert refused.code == 4, refused.output
    host.shell("systemctl start nginx")
    _must_run_whole(host, live)
    shown = project.fab("-H", host.name, "releases").must_succeed().stdout
    assert f"{live}  live" in shown
    assert shown.count("failed at processes") == 3


def test_what_a_run_that_was_cut_off_started_ends_with_the_next_and_at_boot(
    project: Project, deployed_host
):
    host = deployed_host()
    _with_processes(project)
    live = deploy(project, host)
    provision(project, host).must_succeed()

    def cut_off() -> str:
        """Kill a deploy while it watches; return the process that it has left."""
        change_code(project)
        running = project.start("-H", host.name, "deploy")
        wait_for(lambda: len(_processes(host)) == 3, running)
        killed(running)
        if agents(host):
            kill_agents(host)
        (left,) = set(_processes(host)) - set(_workers(live))
        return left

    project.configure("settle_s = 1", "settle_s = 600")
    left = cut_off()
    shown = project.fab("-H", host.name, "status")
    assert f"hello.{left}.service is left over" in shown.output
    host.power_cut()
    host.boot()
    host.wait_ready()
    wait_for(lambda: _are_active(host, live))
    _must_run_whole(host, live)

    left = cut_off()
    # Cut off after the switch: an instance of the live release does not run yet.
    host.shell(f"systemctl stop hello.worker.2@{live}; rm /run/systemd/system/hello.worker.2@*")
    project.configure("settle_s = 600", "settle_s = 1")
    (project.app / "worker.py").write_text("raise SystemExit('no')\n")
    project.commit("a bad worker")
    assert project.fab("-H", host.name, "deploy").code == 4
    _must_run_whole(host, live)
    (project.app / "worker.py").write_text(WORKER)
    project.commit("a good worker")
    _must_run_whole(host, deploy(project, host))
