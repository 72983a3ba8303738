"""One host of a lab: to look around in, to damage, to switch off, to have back bare."""

from __future__ import annotations

from provisioning.errors import HomeportError
from provisioning.lab import readiness
from provisioning.lab.host_view import HostView
from provisioning.lab.processes import tail
from provisioning.lab.readiness import speaks_ssh, wait_for

_READY_TIMEOUT_S = 90.0
_OFF_TIMEOUT_S = 60.0
_SSH_PORT = 22
# Source: systemctl(1), is-system-running: both mean that booting is over.
_BOOTED = ("running", "degraded")


class LabHost(HostView):
    """A host with its switch and its disk in the hand."""

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
        """Return when it has rebooted and is ready.

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

    def _booted_since(self, before: float) -> bool:
        try:
            return self.start_time != before
        except (OSError, HomeportError):
            # Between two boots there is no host.
            return False

    def _is_ready(self) -> bool:
        if not self._driver.is_started(self._state):
            log = self._log.read_text(errors="replace") if self._log.exists() else ""
            raise HomeportError(
                f"cannot reach {self.name}: the host is off",
                hint=readiness.hint_for(log),
                output=tail(log),
            )
        if not speaks_ssh(*self.endpoint(_SSH_PORT)):
            return False
        try:
            answer = self.run("systemctl", "is-system-running", check=False)
        except HomeportError:
            return False
        return answer.stdout.strip() in _BOOTED
