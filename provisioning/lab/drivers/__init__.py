"""How a lab makes its hosts: one driver for root on Linux, one for container engines."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from provisioning.lab.state import HostState, LabPaths, LabState


class Driver(Protocol):
    """What a lab needs of the machine beneath it."""

    # Whether Pebble can run beside the hosts.
    has_acme: bool

    def start_lab(self, suites: Sequence[str]) -> None:
        """Have the network and the root file systems of these suites ready."""

    def stop_lab(self) -> None:
        """Remove everything of the lab outside its directory, and every mount inside."""

    def create(self, host: HostState) -> None:
        """Give a new host its keys and its place; it does not run yet."""

    def remove(self, host: HostState) -> None:
        """Remove a host and all it wrote."""

    def boot(self, host: HostState, names: Mapping[str, str]) -> None:
        """Switch a host that is off on, knowing the addresses of these names."""

    def reboot(self, host: HostState) -> None:
        """Have a running host reboot; it need not be back when this returns."""

    def cut_power(self, host: HostState) -> None:
        """Switch a host off at once; its disk stays as it is."""

    def is_started(self, host: HostState) -> bool:
        """Tell whether a host runs, boots or reboots, and is not off for good."""

    def leader(self, host: HostState) -> int | None:
        """Return the process id of the host's PID 1 as this machine sees it; None when off."""

    def start_time(self, host: HostState) -> float:
        """Return when a running host was booted, in seconds; another after every boot."""

    def uptime_s(self, host: HostState) -> float:
        """Return for how many seconds a running host has been on."""

    def memory_bytes(self, host: HostState) -> int:
        """Return how much memory its processes use."""

    def command(self, host: HostState, argv: Sequence[str]) -> list[str]:
        """Return the command of this machine that runs a command inside, as root."""

    def endpoint(self, host: HostState, port: int) -> tuple[str, int]:
        """Return where this machine reaches a port of the host."""

    def root(self, host: HostState) -> Path:
        """Return where the host's "/" is to be seen."""

    def clear(self, host: HostState) -> None:
        """Forget what a host that is off wrote since its newest layer."""

    def erase(self, host: HostState) -> None:
        """Forget everything that a host that is off ever wrote, its layers too."""

    def freeze(self, host: HostState, layer: str) -> None:
        """Keep what a host that is off wrote as a read-only layer."""

    def renew_keys(self, host: HostState) -> None:
        """Give a host that is off other ssh keys."""

    def public_keys(self, host: HostState) -> Path:
        """Return the directory below which the host's ssh keys lie at `etc/ssh`."""

    def set_names(self, host: HostState, names: Mapping[str, str]) -> None:
        """Make the addresses of names known on a running host."""


def load(paths: LabPaths, state: LabState, say: Callable[[str], None]) -> Driver:
    """Return the driver that a lab was made with."""
    if state.driver == "nspawn":
        from provisioning.lab.drivers.nspawn import NspawnDriver

        return NspawnDriver(paths, state, say)
    from provisioning.lab.drivers.container import ContainerDriver

    return ContainerDriver(paths, state, say, engine=state.driver)
