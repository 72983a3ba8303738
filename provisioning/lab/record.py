"""A lab's state, read from its directory each time, and changed by one process at a time."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from provisioning.errors import HomeportError
from provisioning.lab import drivers, roster
from provisioning.lab import state as lab_state
from provisioning.lab.locks import locked
from provisioning.lab.state import HostState, LabPaths, LabState

# The name under which hosts know the certificate authority.
ACME_NAME = "acme.lab"


def silent(_line: str) -> None:
    """Say nothing."""


class LabRecord:
    """The memory of a lab and the driver that works on it.

    Args:
        directory: Where everything of the lab lies.
        say: Told, in one line each, about things that take long.
    """

    def __init__(self, directory: Path, *, say: Callable[[str], None] = silent) -> None:
        self.paths = LabPaths(directory.resolve())
        self._say = say

    def state(self) -> LabState:
        """Return what the lab remembers, as it is on disk now.

        Raises:
            HomeportError: The lab was taken down.
        """
        state = lab_state.read(self.paths)
        if state is None:
            raise HomeportError(
                f"cannot find a lab in {self.paths.directory}", hint="start one: fab lab.up"
            )
        return state

    def host_state(self, name: str) -> HostState:
        """Return what the lab remembers of one host.

        Raises:
            HomeportError: There is no such host.
        """
        hosts = self.state().hosts
        if name not in hosts:
            known = ", ".join(hosts) or "none"
            raise HomeportError(f"cannot find the host {name!r} in the lab: it has {known}")
        return hosts[name]

    def driver(self, state: LabState | None = None) -> drivers.Driver:
        """Return what makes the hosts on this machine.

        Args:
            state: What it works on; None for what is on disk now.
        """
        return drivers.load(self.paths, state or self.state(), self._say)

    @contextlib.contextmanager
    def changing(self) -> Iterator[LabState]:
        """Change the lab's state; no other process does at the same time."""
        self.state()
        with locked(self.paths.lock):
            state = self.state()
            try:
                yield state
            finally:
                lab_state.write(self.paths, state)

    def addresses(self) -> dict[str, str]:
        """Return the address of every name that the lab knows."""
        state = self.state()
        own = {ACME_NAME: state.gateway} if self.driver(state).has_acme else {}
        return {**own, **roster.addresses(state)}
