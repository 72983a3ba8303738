"""TCP sockets that listen on this host."""

from __future__ import annotations

from typing import Iterator

from provisioning.agent.machine.system import System

LISTEN = "0A"
"""Source: Linux, include/net/tcp_states.h, TCP_LISTEN."""


def listening(system: System, port: int) -> Iterator[str]:
    """Yield the inodes of the sockets that listen on a port. Source: proc_net_tcp.txt."""
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in system.read(table).decode().splitlines()[1:]:
            fields = line.split()
            if fields[3] == LISTEN and int(fields[1].rsplit(":", 1)[1], 16) == port:
                yield fields[9]
