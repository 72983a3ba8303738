"""`fab status`: all there is to know of every app on every host, also of those that are down."""

from __future__ import annotations

import getpass

import pytest

from provisioning.lab import LabHost
from tests.e2e.project import Project, Result
from tests.e2e.steps import live_on, only, wait_for

pytestmark = pytest.mark.lab


def _status(project: Project, *hosts: LabHost) -> tuple[Result, dict[str, dict]]:
    """Run `fab status` and return what it says of each host."""
    result = project.fab("-H", ",".join(host.name for host in hosts), "status", "--json")
    return result, {row["host"]: row for row in only(result.events, "table")["rows"]}


def test_every_app_is_told_and_a_host_that_is_down_hides_no_other(
    project: Project, deployed_host, bare_host
):
    host, dead = deployed_host(), bare_host()
    dead.power_cut()
    live = live_on(host)
    result, rows = _status(project, host, dead)
    assert result.code == 3, result.output
    row = rows[host.name]
    assert row["live"] == live
    assert row["since"] > 1e9
    assert row["by"].startswith(f"{getpass.getuser()}@")
    assert (row["health"], row["site"]) == ("200", "200")
    assert row["running"] == [f"hello@{live}.service"]
    assert row["at_boot"] is True
    assert row["restarts"] == 0
    assert 0 < row["certificate_days"] <= 398
    assert 0 <= row["disk_free_percent"] <= 100
    assert row["pending"] == []
    assert rows[dead.name] == {"app": "hello", "host": dead.name}

    told = project.fab("-H", f"{host.name},{dead.name}", "status")
    assert told.code == 3
    lines = told.output.splitlines()
    assert any(live[-7:] in line and line.startswith(f"hello  {host.name}") for line in lines), (
        lines
    )
    assert any("the host gave no answer" in line and dead.name in line for line in lines), lines
    assert "1 of 2 healthy" in told.output
    assert "Traceback" not in told.output


def test_what_is_wrong_is_told(project: Project, deployed_host):
    host = deployed_host()
    unit = f"hello@{live_on(host)}.service"
    host.shell(f"systemctl kill -s KILL {unit}")
    wait_for(lambda: host.shell(f"systemctl show -P NRestarts {unit}").strip() != "0")
    wait_for(lambda: _status(project, host)[0].code == 0)
    _, rows = _status(project, host)
    assert rows[host.name]["restarts"] >= 1

    # Its socket as well: a visitor would start it again.
    host.shell(
        f"systemctl stop {unit.replace('.service', '.socket')} {unit}; systemctl disable hello-boot"
    )
    host.shell("mkdir /srv/hello/venvs/0123456789abcdef /srv/hello/venvs/theirs")
    result, rows = _status(project, host)
    assert result.code == 1, result.output
    row = rows[host.name]
    assert row["running"] == []
    assert row["at_boot"] is False
    assert row["health"] == "no answer"
    assert row["site"] in ("502", "503")
    assert row["pending"] == [
        "the live release is not running",
        "venvs/0123456789abcdef is half built",
    ]
