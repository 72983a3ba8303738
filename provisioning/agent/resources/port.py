"""A TCP port that a program of Homeport needs."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import ClassVar, Iterable, Iterator, Sequence

from provisioning.agent.claims import Obstacle
from provisioning.agent.errors import AgentError
from provisioning.agent.machine.system import System
from provisioning.agent.resource import Change, Resource, State

LISTEN = "0A"
"""Source: Linux, include/net/tcp_states.h, TCP_LISTEN."""


@dataclass(frozen=True)
class Port(Resource):
    """Have a TCP port free, or in the hands of the program it is meant for.

    It cannot be put right from here: another program's owner must decide.

    Args:
        number: The port.
        program: Name of the program that may have it, as in /proc/<pid>/comm.
        unit: The unit that the program must be of: not one in a container, or started by hand.
    """

    kind: ClassVar[str] = "port"

    number: int
    program: str
    unit: str = ""

    @property
    def name(self) -> str:
        return str(self.number)

    def desired(self) -> State:
        return {"taken_by": None}

    def actual(self, system: System) -> State:
        inodes = set(_listening(system, self.number))
        if not inodes:
            return {"taken_by": None}
        for program, pid in _holders(inodes):
            if program != self.program:
                return {"taken_by": f"{program} (process {pid})"}
            if self.unit and not _is_of(system, pid, self.unit):
                return {"taken_by": f"a {program} that is not {self.unit} (process {pid})"}
            return {"taken_by": None}
        return {"taken_by": "a program that cannot be identified"}

    def obstacles(self, system: System, run: Sequence[Resource]) -> Iterable[Obstacle]:
        taken_by = self.actual(system)["taken_by"]
        if taken_by:
            yield Obstacle(
                self.id,
                f"{taken_by} listens on it",
                f"the port of {self.program}",
                f"stop it on the host (systemctl disable --now ..., or `ss -ltnp sport = "
                f":{self.number}` to see it), then run again",
                can_be_adopted=False,
            )

    def apply(self, system: System, change: Change) -> None:
        taken_by = change["taken_by"][0]
        raise AgentError(
            f"port {self.number} is taken by {taken_by}, but {self.program} needs it",
            hint=f"stop it on the host (systemctl disable --now ..., or "
            f"`ss -ltnp sport = :{self.number}` to see it), then run again",
        )


def _listening(system: System, port: int) -> Iterator[str]:
    """Yield the inodes of the sockets that listen on a port. Source: proc_net_tcp.txt."""
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in system.read(table).decode().splitlines()[1:]:
            fields = line.split()
            if fields[3] == LISTEN and int(fields[1].rsplit(":", 1)[1], 16) == port:
                yield fields[9]


def _is_of(system: System, pid: str, unit: str) -> bool:
    """Return whether a process is of a unit. Source: cgroups(7), /proc/[pid]/cgroup."""
    groups = system.read(f"/proc/{pid}/cgroup").decode().splitlines()
    paths = [line.split(":", 2)[2].split("/") for line in groups if line.count(":") >= 2]
    # Without cgroups nothing can be told.
    return not any(any(path) for path in paths) or any(unit in path for path in paths)


def _holders(inodes: set[str]) -> Iterator[tuple[str, str]]:
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            for descriptor in os.listdir(f"/proc/{pid}/fd"):
                link = re.match(r"socket:\[(\d+)\]", os.readlink(f"/proc/{pid}/fd/{descriptor}"))
                if link and link[1] in inodes:
                    with open(f"/proc/{pid}/comm") as comm:
                        yield comm.read().strip(), pid
                    break
        except OSError:
            continue
