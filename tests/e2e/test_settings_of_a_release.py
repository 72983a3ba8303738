"""How a release runs is part of it: a deploy alone changes it, a rollback brings it back."""

from __future__ import annotations

import re

import pytest

from provisioning.lab import Lab, LabHost
from tests.e2e.project import Project
from tests.e2e.site import Site
from tests.e2e.steps import deploy_change, live_on, rollback, wait_for
from tests.suites import FIRST_BOOKWORM

pytestmark = pytest.mark.lab

CHANGED = """relax = ["jit"]
network = "none"
memory_max = "300 MB"
drain_timeout_s = 7
start_timeout_s = 77
threads = 3
"""
PROPERTIES = (
    "MemoryDenyWriteExecute", "PrivateNetwork", "MemoryMax", "TimeoutStopUSec", "TimeoutStartUSec",
)  # fmt: skip


def running(host: LabHost) -> dict[str, str]:
    """Return how the live release runs: what systemd has in force, and gunicorn's settings."""
    release = live_on(host)
    unit, names = f"hello@{release}.service", ",".join(PROPERTIES)
    wait_for(lambda: host.shell(f"systemctl is-active {unit} || true").strip() == "active")
    shown = host.shell(f"systemctl show -p MainPID,{names} {unit}")
    found = dict(line.split("=", 1) for line in shown.splitlines())
    argv = host.shell(f"tr '\\0' ' ' < /proc/{found.pop('MainPID')}/cmdline")
    assert f"/releases/{release}/" in argv
    text = host.shell(f"cat /srv/hello/releases/{release}/server.py")
    settings = re.findall(r"^(workers|threads|graceful_timeout) = (.*)$", text, re.M)
    return {**found, **dict(settings)}


@pytest.mark.parametrize("suite", FIRST_BOOKWORM)
def test_settings_apply_by_deploy_alone_and_come_back_with_a_rollback(
    lab: Lab, project: Project, deployed_host, suite
):
    host = deployed_host(suite)
    site, before = Site(lab, host), running(host)
    first = live_on(host)
    project.configure("workers = 2\n", f"workers = 3\n{CHANGED}")
    second = deploy_change(project, host)
    changed = running(host)
    assert {name: changed[name] for name in PROPERTIES} == {
        "MemoryDenyWriteExecute": "no",
        "PrivateNetwork": "yes",
        "MemoryMax": str(300 * 1024**2),
        "TimeoutStopUSec": "22s",
        "TimeoutStartUSec": "1min 17s",
    }
    assert changed["workers"] == "3"
    assert changed["threads"] == "3"
    assert changed["graceful_timeout"] == "7"
    # What provision makes has none of it.
    check = project.fab("-H", host.name, "provision", "--check", "--json").must_succeed()
    assert check.changed(host.name) == []

    assert rollback(project, host) == first
    assert running(host) == before
    rollback(project, host, "--to", second)
    assert running(host) == changed

    host.shell(f"systemctl kill -s KILL --kill-who=main hello@{second}.service")
    wait_for(lambda: site.get("/healthz").status == 200)
    assert running(host) == changed
    host.reboot()
    wait_for(lambda: site.get("/healthz").status == 200)
    assert running(host) == changed
