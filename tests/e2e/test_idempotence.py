"""A run that has nothing to change touches nothing, and costs one exchange."""

from __future__ import annotations

import pytest

from provisioning.lab import LabHost
from tests.e2e.listing import listing_of, touched
from tests.e2e.project import Project
from tests.e2e.through_proxy import through_proxy
from tests.suites import BOTH

pytestmark = pytest.mark.lab

ROUND_TRIPS = 10
"""Banner and KEXINIT 2, key exchange 1, service 1, authentication 1, channel 2, exec 1, and the
plan's own exchange; TCP's handshake passes no byte."""

BYTES_UP = 15_000
"""SSH's handshake, and the compressed plan: the host has the agent from the run before."""

BY_ITSELF = (
    "user@",
    "user-runtime-dir@",
    "session-",
    "systemd-tmpfiles-clean",
    "systemd-hostnamed",
)
"""Beginnings of units that come with a login or by the clock."""


def services_of(host: LabHost) -> dict[str, str]:
    """Return unit -> main process and start times, of all that runs or has run."""
    properties = "Id,MainPID,ActiveState,ActiveEnterTimestampMonotonic,ExecMainStartTimestamp"
    shown = host.shell(
        f"systemctl show --type=service,timer,socket,path,mount --property={properties} '*'"
    )
    found = {}
    for paragraph in shown.split("\n\n"):
        values = dict(line.split("=", 1) for line in paragraph.splitlines() if "=" in line)
        if values and not values["Id"].startswith(BY_ITSELF):
            found[values.pop("Id")] = " ".join(values.values())
    return found


def must_change_nothing(project: Project, host: LabHost) -> None:
    """Provision a host that is as it should be, through the proxy, and look at everything."""
    # The first run of this project does not know the host's facts yet.
    project.fab("-H", host.name, "provision", "--json").must_succeed()
    files, services = listing_of(host), services_of(host)
    assert "/etc/nginx/nginx.conf" in files
    assert "nginx.service" in services
    with through_proxy(project, host) as proxy:
        again = project.fab("-H", host.name, "provision", "--json").must_succeed()
    assert touched(files, listing_of(host)) == {}
    assert touched(services, services_of(host)) == {}
    must_say_that_nothing_changed(again.events, host.name)
    assert proxy.connections == 1
    assert proxy.turns <= ROUND_TRIPS
    assert proxy.bytes_up < BYTES_UP
    ended = next(event for event in again.events if event["event"] == "ended")
    assert (ended["connections"], ended["channels"]) == (1, 1)
    assert ended["bytes_sent"] == proxy.bytes_up
    print(f"{proxy.turns} turns, {proxy.bytes_up} bytes up, {proxy.bytes_down} down; {ended}")


def must_say_that_nothing_changed(events: list[dict], host: str) -> None:
    """Check `--json`: one exchange, whose answer is one list of ids and the end."""
    assert [event["event"] for event in events] == [
        "begin", "ready", "unchanged", "done", "ended", "summary",
    ]  # fmt: skip
    begin, _, unchanged, done, ended, summary = events
    assert begin["hosts"] == [host]
    assert {"packages:base", "file-set:nginx", "service:nginx"} <= set(unchanged["ids"])
    assert (done["stopped"], done["failed"]) == (False, False)
    assert ended["status"] == "unchanged"
    assert (ended["changed"], ended["unchanged"]) == ([], len(unchanged["ids"]))
    [row] = summary["hosts"]
    assert {name: row[name] for name in ended if name in row and name != "time"} == {
        name: ended[name] for name in row
    }
    assert summary["conclusion"] == "nothing had to be changed"


@pytest.mark.parametrize("suite", BOTH)
def test_a_second_provision_changes_nothing(project, provisioned_host, suite):
    must_change_nothing(project, provisioned_host(suite))


def test_a_provision_after_a_deploy_changes_nothing(project, deployed_host):
    host = deployed_host("bookworm")
    release = host.shell("readlink /srv/hello/live.sock")
    must_change_nothing(project, host)
    assert host.shell("readlink /srv/hello/live.sock") == release


def test_the_proxy_notices_an_exchange_more(project, provisioned_host):
    host = provisioned_host("bookworm")
    turns = []
    for facts_are_known in (False, True):
        with through_proxy(project, host) as proxy:
            done = project.fab("-H", host.name, "provision", "--json").must_succeed()
        assert done.changed(host.name) == []
        turns.append(proxy.turns)
        assert (project.directory / ".cache" / "homeport" / "facts").is_dir(), facts_are_known
    assert turns[0] > turns[1]
