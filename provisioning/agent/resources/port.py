"""A TCP port that a program of Homeport needs."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import ClassVar, Iterable, Iterator, Sequence, Tuple

from provisioning.agent.claims import Obstacle
from provisioning.agent.errors import AgentError
from provisioning.agent.machine.sockets import listening
from provisioning.agent.machine.system import System
from provisioning.agent.resource import Change, Resource, State, normalise


@dataclass(frozen=True)
class Port(Resource):
    """Have a TCP port free, or in the hands of the program it is meant for.

    It cannot be put right from here: another program's owner must decide.

    Args:
        number: The port.
        program: Name of the program that may have it, as in /proc/<pid>/comm.
        unit: The unit that the program must be of: not one in a container, or started by hand.
        until: Units that may have it now, because the run stops them before the program starts.
    """

    kind: ClassVar[str] = "port"

    number: int
    program: str
    unit: str = ""
    until: Tuple[str, ...] = ()

    def __post_init__(self) -> None:
        normalise(self, until=tuple(self.until))

    @property
    def name(self) -> str:
        return str(self.number)

    def desired(self) -> State:
        return {"taken_by": None}

    def actual(self, system: System) -> State:
        inodes = set(listening(system, self.number))
        if not inodes:
            return {"taken_by": None}
        for program, pid in _holders(inodes):
            if f"{program}.service" in self.until and any(
                _is_of(system, pid, unit) for unit in self.until
            ):
                return {"taken_by": None}
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
