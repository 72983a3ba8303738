"""What there is to see of one host: who it is, what runs, what its files hold."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from provisioning.errors import HomeportError
from provisioning.lab import guest
from provisioning.lab.processes import call_bounded, tail

if TYPE_CHECKING:
    from provisioning.lab.drivers import Driver
    from provisioning.lab.record import LabRecord
    from provisioning.lab.state import HostState


class HostView:
    """A handle; the host itself lives on when the handle and its process are gone.

    Args:
        lab: The lab it belongs to.
        name: Its name in there.
    """

    def __init__(self, lab: LabRecord, name: str) -> None:
        self._lab = lab
        self.name = name

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    @property
    def address(self) -> str:
        """Its IPv4 address in the lab's network."""
        return self._state.address

    @property
    def suite(self) -> str:
        """Its Debian codename."""
        return self._state.suite

    @property
    def snapshots(self) -> list[str]:
        """The names of its saved states."""
        return list(self._state.snapshots)

    @property
    def pid(self) -> int | None:
        """Its PID 1 as seen from this machine; None when it is off."""
        return self._driver.leader(self._state)

    @property
    def is_on(self) -> bool:
        """Whether it runs."""
        return self.pid is not None

    @property
    def start_time(self) -> float:
        """When it was booted, in seconds of a clock of its own kind; another after every boot.

        Raises:
            HomeportError: It is off.
        """
        return self._driver.start_time(self._state)

    @property
    def uptime_s(self) -> float:
        """For how many seconds it has been on."""
        return self._driver.uptime_s(self._state)

    @property
    def memory_bytes(self) -> int:
        """How much memory its processes use; what they share is counted once."""
        return self._driver.memory_bytes(self._state)

    def endpoint(self, port: int) -> tuple[str, int]:
        """Return the address and port at which this machine reaches a port of the host."""
        return self._driver.endpoint(self._state, port)

    def run(
        self,
        *argv: str,
        input: str | None = None,
        check: bool = True,
        timeout_s: float = 300.0,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command on the host as root, without ssh.

        Args:
            argv: The command; no shell is involved.
            input: What it reads.
            check: Whether another exit status than 0 is an error.
            timeout_s: After so many seconds it is ended.

        Raises:
            HomeportError: The host is off, the command failed, or took too long.
        """
        command = self._driver.command(self._state, argv)
        try:
            done = call_bounded(command, stdin=input, timeout_s=timeout_s)
        except subprocess.TimeoutExpired:
            raise HomeportError(
                f"cannot run {argv[0]} on {self.name}: it took longer than {timeout_s:.0f} s"
            ) from None
        if check and done.returncode != 0:
            raise HomeportError(
                f"cannot run {argv[0]} on {self.name}: it ended with status {done.returncode}",
                output=tail(done.stdout + done.stderr),
            )
        return done

    def shell(self, script: str, *, check: bool = True) -> str:
        """Run a script in a shell on the host, as root; return what it printed."""
        return self.run("sh", "-ec", script, check=check).stdout

    def path(self, inside: str) -> Path:
        """Return where a file of the host's disk is to be seen from outside, running or not.

        What the host mounts itself (/run, /tmp, /proc) is not on its disk.

        Args:
            inside: Its absolute path on the host. Links on the way are followed
                as the host would; a link at the end is returned itself.
        """
        return guest.locate(self._driver.root(self._state), inside)

    @property
    def _state(self) -> HostState:
        return self._lab.host_state(self.name)

    @property
    def _driver(self) -> Driver:
        return self._lab.driver()

    @property
    def _log(self) -> Path:
        return self._lab.paths.host(self.name) / "console.log"
