"""A run that has nothing to change changes nothing, and costs one exchange."""

from __future__ import annotations

import pytest

from provisioning.lab import Lab, LabHost
from tests.e2e.listing import listing_of, touched
from tests.e2e.project import Project, Result
from tests.proxy import Proxy

pytestmark = pytest.mark.lab

ROUND_TRIPS = 10
"""TCP 1, banner and KEXINIT 2, key exchange 1, service 1, authentication 1, channel and exec 2,
the agent's exchange 1; and one in reserve."""

KILOBYTES_UP = 40
"""The agent, the plan and SSH's handshake."""

SSH_MESSAGES_HELD = 5


def services_of(host: LabHost) -> dict[str, str]:
    """Return unit -> main process and start time of everything that runs or has run."""
    properties = "Id,MainPID,ActiveState,ActiveEnterTimestampMonotonic,ExecMainStartTimestamp"
    shown = host.shell(
        f"systemctl show --type=service,timer,socket,path --property={properties} '*'"
    )
    found = {}
    for paragraph in shown.split("\n\n"):
        values = dict(line.split("=", 1) for line in paragraph.splitlines() if "=" in line)
        if values and not values["Id"].startswith(LOGINS):
            found[values.pop("Id")] = " ".join(values.values())
    return found


LOGINS = ("user@", "user-runtime-dir@", "session-", "systemd-tmpfiles-clean", "systemd-hostnamed")
"""Units that come with somebody's login, or by the clock."""


def through(project: Project, lab: Lab, host: LabHost, proxy: Proxy) -> None:
    """Let `fab` reach a host through a proxy."""
    blocks = lab.ssh_config.read_text().split("\n\n")
    [block] = [each for each in blocks if each.startswith(f"Host {host.name} ")]
    config = project.directory / "through-proxy.ssh_config"
    port = f"Port {host.endpoint(22)[1]}"
    block = block.replace(f"HostName {host.endpoint(22)[0]}", "HostName 127.0.0.1")
    block = block.replace(port, f"Port {proxy.port}\n    HostKeyAlias {host.name}")
    config.write_text(block)


def counted(project: Project, lab: Lab, host: LabHost, *arguments: str) -> tuple[Result, Proxy]:
    """Run `fab` on a host through a counting proxy."""
    with Proxy(*host.endpoint(22), delay_s=HALF_A_ROUND_TRIP_S) as proxy:
        through(project, lab, host, proxy)
        done = project.fab("-H", host.name, *arguments).must_succeed()
    return done, proxy
