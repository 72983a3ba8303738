"""One host of a lab: to look around in, to damage, to switch off, to have back bare."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from provisioning.errors import HomeportError
from provisioning.lab import guest
from provisioning.lab.processes import call_bounded, tail
from provisioning.lab.readiness import speaks_ssh, wait_for

if TYPE_CHECKING:
    from provisioning.lab.drivers import Driver
    from provisioning.lab.lab import Lab
    from provisioning.lab.state import HostState

_READY_TIMEOUT_S = 90.0
_OFF_TIMEOUT_S = 60.0
_SSH_PORT = 22
# Source: systemctl(1), is-system-running: both mean that booting is over.
_BOOTED = ("running", "degraded")


class LabHost:
    """A handle; the host itself lives on when the handle and its process are gone.

    Args:
        lab: The lab it belongs to.
        name: Its name in there.
    """

    def __init__(self, lab: Lab, name: str) -> None:
        self._lab = lab
        self.name = name

    def __repr__(self) -> str:
        return f"<LabHost {self.name}>"

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
        """When it was booted, in seconds since this machine was; another after every boot.

        Raises:
            HomeportError: It is off.
        """
        pid = self.pid
        if pid is None:
            raise HomeportError(f"cannot tell when {self.name} was booted: the host is off")
        return guest.start_time_s(pid)

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

    def boot(self, *, wait: bool = True) -> None:
        """Switch it on; one that runs stays as it is.

        Args:
            wait: Whether to return only when it is ready.
        """
        if not self.is_on:
            self._driver.boot(self._state, self._lab.addresses())
        if wait:
            self.wait_ready()

    def wait_ready(self, timeout_s: float = _READY_TIMEOUT_S) -> None:
        """Return when sshd answers and everything that starts at boot has started.

        Raises:
            HomeportError: That took longer than the time given.
        """
        wait_for(self._is_ready, timeout_s, f"reach {self.name}", self._log)

    def power_cut(self) -> None:
        """Switch it off at once, without any warning; the disk stays as it is.

        What the host wrote and did not sync is kept too: this machine's kernel has it.
        """
        self._driver.cut_power(self._state)

    def power_off(self) -> None:
        """Shut it down in good order."""
        if self.is_on:
            self.run("systemctl", "--no-block", "poweroff")
            purpose = f"shut {self.name} down"
            wait_for(lambda: not self.is_on, _OFF_TIMEOUT_S, purpose, self._log)
        self.power_cut()

    def reboot(self) -> None:
        """Let it reboot by itself, and wait until it is ready again."""
        before = self.start_time
        self._driver.reboot(self._state)
        self.wait_rebooted(before)

    def wait_rebooted(self, before: float) -> None:
        """Return when it has booted anew and is ready.

        Args:
            before: Its `start_time` before the reboot was asked for.
        """
        purpose = f"reboot {self.name}"
        wait_for(lambda: self._booted_since(before), _OFF_TIMEOUT_S, purpose, self._log)
        self.wait_ready()

    def reset(self, *, boot: bool = True, disk_size_mb: int | None = None) -> None:
        """Make it bare again, with the same name, address and keys; snapshots stay.

        Args:
            boot: Whether to switch it on and wait until it is ready.
            disk_size_mb: Give it a small disk of so many MiB, in memory, or None
                for one as large as the machine's. A small disk has no snapshots
                of larger ones, and the other way round.
        """
        self.power_cut()
        with self._lab.changing() as state:
            host = state.hosts[self.name]
            if disk_size_mb is None and host.disk_size_mb is None:
                self._driver.clear(host)
            else:
                self._driver.erase(host)
                host.snapshots.clear()
            host.disk_size_mb = disk_size_mb
            host.layers.clear()
        if boot:
            self.boot()

    def snapshot(self, name: str) -> None:
        """Save the state of its disk; a running host is shut down for it and booted again."""
        was_on = self.is_on
        self.power_off()
        with self._lab.changing() as state:
            host = state.hosts[self.name]
            # Numbered over all snapshots: a layer is never changed once it is one.
            layers = {int(layer) for known in host.snapshots.values() for layer in known}
            layer = str(1 + max(layers, default=0))
            self._driver.freeze(host, layer)
            host.layers.append(layer)
            host.snapshots[name] = list(host.layers)
        if was_on:
            self.boot()

    def restore(self, name: str, *, boot: bool = True) -> None:
        """Bring a saved state of its disk back.

        Raises:
            HomeportError: There is no snapshot of that name.
        """
        if name not in self._state.snapshots:
            raise HomeportError(f"cannot restore {self.name}: it has no snapshot {name!r}")
        self.power_cut()
        with self._lab.changing() as state:
            host = state.hosts[self.name]
            self._driver.clear(host)
            host.layers = list(host.snapshots[name])
        if boot:
            self.boot()

    def renew_keys(self) -> None:
        """Give it other ssh keys and leave known_hosts as it is: what an attack looks like."""
        was_on = self.is_on
        self.power_off()
        self._driver.renew_keys(self._state)
        if was_on:
            self.boot()

    @property
    def _state(self) -> HostState:
        return self._lab.host_state(self.name)

    @property
    def _driver(self) -> Driver:
        return self._lab.driver()

    @property
    def _log(self) -> Path:
        return self._lab.paths.host(self.name) / "console.log"

    def _booted_since(self, before: float) -> bool:
        try:
            return self.start_time != before
        except (OSError, HomeportError):
            # Between two boots there is no host.
            return False

    def _is_ready(self) -> bool:
        if not self._driver.is_started(self._state):
            log = self._log.read_text(errors="replace") if self._log.exists() else ""
            raise HomeportError(f"cannot reach {self.name}: the host is off", output=tail(log))
        if not speaks_ssh(*self.endpoint(_SSH_PORT)):
            return False
        try:
            answer = self.run("systemctl", "is-system-running", check=False)
        except HomeportError:
            return False
        return answer.stdout.strip() in _BOOTED
