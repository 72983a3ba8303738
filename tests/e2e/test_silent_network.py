"""The network swallows everything, and no connection ends: each side notices by itself."""

from __future__ import annotations

import time

import pytest

from provisioning.agent.runs.inbox import LEASE_S
from provisioning.hosts.client import PING_EVERY_S
from provisioning.lab import LabHost
from tests.e2e.project import Project
from tests.e2e.steps import (
    PATIENCE_S,
    add_watched_role,
    agents,
    hold,
    let_go,
    provision,
    wait_for,
    wait_until_held,
)
from tests.e2e.through_proxy import through_proxy

pytestmark = pytest.mark.lab


HALF_AN_AGENT_BYTES = 50_000


def _is_locked(host: LabHost) -> bool:
    tried = host.run("flock", "--nonblock", "/run/homeport/lock", "true", check=False)
    return tried.returncode != 0


def test_both_sides_give_up_and_the_next_run_completes_it(project: Project, provisioned_host):
    host = provisioned_host()
    add_watched_role(project, "once")
    hold(host)
    with through_proxy(project, host) as proxy:
        running = project.start("-H", host.name, "provision")
        try:
            wait_until_held(host, running)
            proxy.swallow()
            silent_since = time.monotonic()
            stdout, stderr = running.communicate(timeout=PATIENCE_S)
        finally:
            running.kill()
            running.communicate()
        told = stdout + stderr
        assert running.returncode == 3, told
        assert f"lost contact with {host.name}" in told
        assert "it has stopped answering" in told
        assert "run the same command" in told
        assert "Traceback" not in told
        # What it is at is never torn, however long it takes.
        assert agents(host)
        assert _is_locked(host)
        time.sleep(max(0.0, silent_since + LEASE_S + PING_EVERY_S - time.monotonic()))
        let_go(host)
        wait_for(lambda: not _is_locked(host))
        assert host.run("test", "-e", "/var/lib/watched.loaded", check=False).returncode != 0
    again = provision(project, host, "--json").must_succeed()
    assert again.changed(host.name) == ["service:watched"]
    assert host.shell("cat /var/lib/watched.loaded") == "once\n"


def test_a_host_that_hears_only_half_of_the_agent_gives_up_too(project: Project, provisioned_host):
    host = provisioned_host()
    host.run("rm", "-rf", "/run/homeport/agent")
    with through_proxy(project, host) as proxy:
        proxy.swallow(from_byte_up=HALF_AN_AGENT_BYTES)
        running = project.start("-H", host.name, "provision")
        wait_for(lambda: agents(host), running)
        stdout, stderr = running.communicate(timeout=PATIENCE_S)
        assert running.returncode == 3, stdout + stderr
        assert f"lost contact with {host.name}" in stdout + stderr
        # Its connection is open for it still.
        wait_for(lambda: not agents(host))
    assert provision(project, host, "--json").must_succeed().changed(host.name) == []
