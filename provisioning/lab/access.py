"""The files that let ssh, and what reads its configuration, into the lab's hosts."""

from __future__ import annotations

from collections.abc import Mapping

from provisioning.lab import keys
from provisioning.lab.drivers import Driver
from provisioning.lab.files import replace_file
from provisioning.lab.state import HostState, LabPaths

_HOST = """\
Host {name} {address}
    HostName {reached}
    Port {port}
    User root
    IdentityFile {key}
    IdentitiesOnly yes
    UserKnownHostsFile {known_hosts}
    GlobalKnownHostsFile /dev/null
    StrictHostKeyChecking yes
"""
_SSH_PORT = 22


def write(paths: LabPaths, hosts: Mapping[str, HostState], driver: Driver) -> None:
    """Rewrite `ssh_config` and `known_hosts`.

    Args:
        paths: Where the lab's files lie.
        hosts: All its hosts, by name.
        driver: Knows their ssh keys, and where their ports are reached.
    """
    blocks, lines = [], []
    for name, host in hosts.items():
        reached, port = driver.endpoint(host, _SSH_PORT)
        blocks.append(
            _HOST.format(
                name=name,
                address=host.address,
                reached=reached,
                port=port,
                key=paths.key,
                known_hosts=paths.known_hosts,
            )
        )
        names = [name, host.address]
        if (reached, port) != (host.address, _SSH_PORT):
            # Source: sshd(8), known_hosts: how another port is written.
            names.append(f"[{reached}]:{port}")
        lines += keys.known_hosts_lines(",".join(names), driver.public_keys(host))
    replace_file(paths.ssh_config, "\n".join(blocks))
    replace_file(paths.known_hosts, "".join(f"{line}\n" for line in lines))
