"""Several hosts in one command: side by side, and one that is dead stops no other."""

from __future__ import annotations

import time

import pytest

from provisioning.lab import LabHost
from tests.e2e.project import Project, Result

pytestmark = pytest.mark.lab

PATIENCE_S = 120

MEETING = '''\
"""Wait on the host until it is told to go on."""

from provisioning.resources import Command

WAIT = "touch /root/arrived; while [ ! -e /root/go ]; do sleep 0.05; done; touch /root/left"


def meeting(host, facts):
    return [Command("wait for the others", ("sh", "-c", WAIT), creates="/root/left")]
'''


def send_on_when_all_have_arrived(hosts: list[LabHost]) -> None:
    """Let hosts go on once each of them waits: only hosts worked on side by side get there."""
    deadline = time.monotonic() + PATIENCE_S
    while not all(host.path("/root/arrived").exists() for host in hosts):
        assert time.monotonic() < deadline, "the hosts were not worked on at the same time"
        time.sleep(0.05)
    for host in hosts:
        host.path("/root/go").touch()


def test_hosts_are_provisioned_side_by_side_and_a_dead_one_stops_no_other(
    project: Project, provisioned_host, bare_host
):
    alive = [provisioned_host("bookworm"), provisioned_host("trixie")]
    dead = bare_host("bookworm")
    dead.power_cut()
    (project.directory / "roles").mkdir()
    (project.directory / "roles" / "meeting.py").write_text(MEETING)
    tables = [f'[hosts.{host.name}]\nuser = "root"\nroles = ["meeting"]\n' for host in alive]
    project.configure("[apps.hello]\n", "\n".join([*tables, "[apps.hello]\n"]))
    for host in alive:
        host.shell("systemctl stop nginx; rm /etc/nginx/nginx.conf")

    names = ",".join(host.name for host in (dead, *alive))
    process = project.start("-H", names, "provision", "--json")
    try:
        send_on_when_all_have_arrived(alive)
        stdout, stderr = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
        process.wait()
    result = Result(process.returncode, stdout, stderr)
    assert result.code == 3, result.output
    for host in alive:
        assert result.changed(host.name) == [
            "file-set:nginx", "service:nginx", "command:wait for the others",
        ]  # fmt: skip
        assert host.shell("systemctl is-active nginx") == "active\n"
    outcomes = {row["host"]: row["status"] for row in result.events[-1]["hosts"]}
    assert outcomes == {dead.name: "unreachable", **{host.name: "changed" for host in alive}}

    # A person reads the same: which host, and what to do.
    again = project.fab("-H", names, "provision")
    assert again.code == 3
    assert "3 hosts: 2 unchanged, 1 unreachable" in again.output
    [row] = [line for line in again.output.splitlines() if line.strip().startswith(dead.name + " ")
             and line.rstrip().endswith("unreachable")]  # fmt: skip
    assert row
    assert "Traceback" not in again.output
