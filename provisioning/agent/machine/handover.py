"""One server gives its ports to another: what takes time happens before and after."""

from __future__ import annotations

import contextlib
import time
from typing import FrozenSet, Iterator, Sequence

from provisioning.agent.errors import AgentError
from provisioning.agent.machine import systemctl
from provisioning.agent.machine.sockets import listening
from provisioning.agent.machine.system import System

FREE_S = 10.0
"""How long a server may listen after it was told to stop; it should stop at once."""

POLL_S = 0.002


@contextlib.contextmanager
def taken_over(system: System, units: Sequence[str], ports: Sequence[int]) -> Iterator[None]:
    """Have units give up their ports, and start them again if the block fails.

    It does not wait for their end: they listen no more, and end the requests that are in flight.

    Args:
        system: The machine; not in a check.
        units: Those that stop; none changes nothing.
        ports: TCP ports at which they listen.

    Raises:
        AgentError: They still listen after a while.
    """
    if not units:
        yield
        return
    before = _sockets(system, ports)
    systemctl.stop_meanwhile(system, *units)
    try:
        _wait_until_free(system, units, ports, before)
        yield
    except BaseException:
        systemctl.try_to_start(system, *units)
        raise


def _wait_until_free(
    system: System, units: Sequence[str], ports: Sequence[int], before: FrozenSet[str]
) -> None:
    deadline = time.monotonic() + FREE_S
    while before & _sockets(system, ports):
        if time.monotonic() > deadline:
            raise AgentError(
                f"{' and '.join(units)} still listen {FREE_S:.0f} s after the order to stop",
                hint=f"on the host: systemctl status {units[0]}; then run again",
            )
        time.sleep(POLL_S)


def _sockets(system: System, ports: Sequence[int]) -> FrozenSet[str]:
    return frozenset(inode for port in ports for inode in listening(system, port))
