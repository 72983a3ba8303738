"""Ctrl-C: a run ends at the next safe point, and the next one completes it."""

from __future__ import annotations

import signal
import subprocess
import time

import pytest

from tests.e2e.project import Project
from tests.e2e.steps import (
    MIGRATION_THAT_WAITS,
    Step,
    add_watched_role,
    agents,
    change_code,
    deploy,
    hold,
    left_behind,
    let_go,
    live_on,
    must_run_only,
    provision,
    wait_for,
    wait_until_held,
)

pytestmark = pytest.mark.lab

ON_ITS_WAY_S = 2
"""Far longer than a word needs to the host; the step is held meanwhile."""


def _interrupt(process: subprocess.Popen) -> None:
    process.send_signal(signal.SIGINT)


def _must_have_been_interrupted(process: subprocess.Popen) -> str:
    stdout, stderr = process.communicate(timeout=120)
    assert process.returncode == 130, stdout + stderr
    assert "Traceback" not in stdout + stderr
    assert "interrupted" in stdout + stderr
    return stdout + stderr


def test_ctrl_c_stops_a_provision_between_two_resources(project: Project, provisioned_host):
    host = provisioned_host()
    add_watched_role(project, "once")
    hold(host)
    running = project.start("-H", host.name, "provision")
    wait_until_held(host, running)
    _interrupt(running)
    # What it is at goes on to its end. The word to stop is on its way meanwhile.
    time.sleep(ON_ITS_WAY_S)
    assert running.poll() is None
    let_go(host)
    _must_have_been_interrupted(running)
    assert host.run("test", "-e", "/var/lib/watched.loaded", check=False).returncode == 1
    wait_for(lambda: not agents(host))
    completed = provision(project, host, "--json").must_succeed()
    # The step had come to its end: it is not made twice.
    assert completed.changed(host.name) == ["service:watched"]
    assert provision(project, host, "--json").must_succeed().changed(host.name) == []
    assert left_behind(host) == []


def test_a_second_ctrl_c_ends_at_once(project: Project, provisioned_host):
    host = provisioned_host()
    add_watched_role(project, "once")
    hold(host)
    running = project.start("-H", host.name, "provision")
    wait_until_held(host, running)
    _interrupt(running)
    time.sleep(ON_ITS_WAY_S)
    _interrupt(running)
    # The step is still held: the command did not wait for it.
    _must_have_been_interrupted(running)
    assert agents(host)
    let_go(host)
    wait_for(lambda: not agents(host))
    completed = provision(project, host, "--json").must_succeed()
    assert "service:watched" in completed.changed(host.name)
    assert provision(project, host, "--json").must_succeed().changed(host.name) == []


@pytest.mark.parametrize("times", [1, 2], ids=["once", "twice"])
def test_ctrl_c_stops_a_deploy_before_visitors_see_it(project: Project, deployed_host, times: int):
    host = deployed_host()
    project.configure('migrate = "flask --app app init-db"\n', MIGRATION_THAT_WAITS)
    before = live_on(host)
    step = Step(host)
    step.hold()
    change_code(project)
    running = project.start("-H", host.name, "deploy")
    wait_for(step.is_reached, running)
    for _ in range(times):
        _interrupt(running)
        time.sleep(ON_ITS_WAY_S)
    if times == 2:
        _must_have_been_interrupted(running)
        step.let_go()
    else:
        assert running.poll() is None
        step.let_go()
        _must_have_been_interrupted(running)
    wait_for(lambda: not agents(host))
    must_run_only(host, before)
    must_run_only(host, deploy(project, host))
