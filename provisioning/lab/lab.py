"""A lab: throwaway hosts, a network, a certificate authority, all below one directory."""

from __future__ import annotations

import contextlib
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from provisioning.errors import ConfigurationError, HomeportError
from provisioning.lab import access, cgroups, drivers, keys, roster
from provisioning.lab import state as lab_state
from provisioning.lab.acme import Acme
from provisioning.lab.choice import choose_driver
from provisioning.lab.host import LabHost
from provisioning.lab.locks import locked
from provisioning.lab.state import HostState, LabPaths, LabState
from provisioning.lab.status import HostStatus

_ACME_NAME = "acme.lab"


def _silent(_line: str) -> None:
    pass


class Lab:
    """A handle; the lab itself lives in its directory and outlives the process.

    Args:
        directory: Where everything of the lab lies.
        say: Told, in one line each, about things that take long.
    """

    def __init__(self, directory: Path, *, say: Callable[[str], None] = _silent) -> None:
        self.paths = LabPaths(directory.resolve())
        self._say = say

    @classmethod
    def create(cls, directory: Path, *, say: Callable[[str], None] = _silent) -> Lab:
        """Return the lab in a directory, a new one where there is none.

        Raises:
            ConfigurationError: The directory's name cannot be used.
            HomeportError: This machine can run no lab at all.
        """
        lab = cls(directory, say=say)
        # Source: mount(8): these have a meaning in overlayfs options.
        if any(sign in str(lab.paths.directory) for sign in ",:\\"):
            raise ConfigurationError(
                f"cannot make a lab in {directory}: commas, colons and backslashes do not work"
            )
        driver = choose_driver()
        with locked(lab.paths.lock):
            if lab_state.read(lab.paths) is None:
                lab_id = secrets.token_hex(3)
                keys.make_user_key(lab.paths.key, f"homeport-lab-{lab_id}")
                password = secrets.token_urlsafe(12)
                lab_state.write(lab.paths, LabState(lab_id, driver, password))
        return lab

    @classmethod
    def find(cls, directory: Path, *, say: Callable[[str], None] = _silent) -> Lab | None:
        """Return the lab in a directory, or None where there is none."""
        lab = cls(directory, say=say)
        return lab if lab.paths.state.exists() else None

    @property
    def hosts(self) -> Mapping[str, LabHost]:
        """Its hosts, by name."""
        return {name: LabHost(self, name) for name in self.state().hosts}

    @property
    def ssh_config(self) -> Path:
        """An ssh_config file that knows every host by name and address, with root as its user."""
        return self.paths.ssh_config

    @property
    def known_hosts(self) -> Path:
        """The real ssh keys of all hosts."""
        return self.paths.known_hosts

    @property
    def key(self) -> Path:
        """The private ssh key that lets root, admin and operator in."""
        return self.paths.key

    @property
    def sudo_password(self) -> str:
        """What `operator` must say for sudo; `admin` need not say anything."""
        return self.state().sudo_password

    @property
    def subnet(self) -> str:
        """The private network of the hosts."""
        return self.state().subnet

    @property
    def gateway(self) -> str:
        """This machine's address in there."""
        return self.state().gateway

    @property
    def acme(self) -> Acme:
        """The certificate authority for apps."""
        state = self.state()
        group = cgroups.lab_group(state.lab_id) / _ACME_NAME
        return Acme(self.paths.acme, self.paths.authority, group, state.gateway, self.addresses)

    def up(
        self,
        names: Sequence[str] = ("web1",),
        *,
        suite: str = "bookworm",
        disk_size_mb: int | None = None,
    ) -> list[LabHost]:
        """Have these hosts running, making those that are missing, all at the same time.

        Args:
            names: Which hosts; others stay as they are.
            suite: The Debian codename of new ones.
            disk_size_mb: Size of the disk of new ones in MiB; None for no bound.

        Returns:
            The hosts, in that order, ready.

        Raises:
            ConfigurationError: A host of that name has another suite.
            HomeportError: This machine cannot run a lab, or a host did not come up.
        """
        with self.changing() as state:
            roster.check(state, names, suite)
            driver = self.driver(state)
            driver.start_lab(sorted({suite, *(host.suite for host in state.hosts.values())}))
            for name in names:
                if name not in state.hosts:
                    host = roster.new_host(state, name, suite, disk_size_mb)
                    driver.create(host)
                    state.hosts[name] = host
        if driver.has_acme:
            self.acme.start()
        wanted = [LabHost(self, name) for name in names]
        try:
            with ThreadPoolExecutor(max(len(wanted), 1)) as pool:
                list(pool.map(LabHost.boot, wanted))
        finally:
            # Also for a person who wants to see why one did not come up.
            self.publish()
        return wanted

    def remove(self, name: str) -> None:
        """Remove one host and all it wrote."""
        self.host_state(name)
        with self.changing() as state:
            self.driver(state).remove(state.hosts[name])
            del state.hosts[name]
            state.domains = {d: host for d, host in state.domains.items() if host != name}
        self.publish()

    def down(self) -> None:
        """Remove everything: processes, mounts, networks, files. Twice is as good as once.

        Raises:
            HomeportError: Something could not be removed; another try goes on there.
        """
        if not self.paths.state.exists():
            return
        with locked(self.paths.lock):
            state = lab_state.read(self.paths)
            if state is not None:
                self.driver(state).stop_lab()
            paths = self.paths
            for directory in (paths.hosts, paths.trust, paths.acme, paths.authority):
                shutil.rmtree(directory, ignore_errors=True)
            # The state goes last: until then another try finds all there is to remove.
            public_key = paths.key.with_suffix(".pub")
            for file in (paths.ssh_config, paths.known_hosts, paths.key, public_key, paths.state):
                file.unlink(missing_ok=True)
            paths.lock.unlink()
        with contextlib.suppress(OSError):
            self.paths.directory.rmdir()

    def status(self) -> list[HostStatus]:
        """Return one row per host."""
        return [_row(host) for host in self.hosts.values()]

    def set_domain(self, domain: str, host: str | None) -> None:
        """Let a name lead to a host, for all hosts and for the certificate authority.

        Args:
            domain: The name, for example `hello.lab`.
            host: A host's name, or None to forget the domain.
        """
        if host is not None:
            self.host_state(host)
        with self.changing() as state:
            state.domains.pop(domain, None)
            if host is not None:
                state.domains[domain] = host
        self.publish()
        if host is None and self.driver().has_acme and self.acme.is_running():
            self.acme.forget(domain)

    def addresses(self) -> dict[str, str]:
        """Return the address of every name that the lab knows."""
        state = self.state()
        own = {_ACME_NAME: state.gateway} if self.driver(state).has_acme else {}
        return {**own, **roster.addresses(state)}

    def publish(self) -> None:
        """Write ssh_config and known_hosts, and tell all hosts the names, as they are now."""
        state = self.state()
        driver = self.driver(state)
        access.write(self.paths, state.hosts, driver)
        addresses = self.addresses()
        for host in state.hosts.values():
            # One that is off hears of them when it is booted.
            if driver.leader(host) is not None:
                driver.set_names(host, addresses)
        if driver.has_acme and self.acme.is_running():
            for name, address in addresses.items():
                self.acme.set_address(name, address)

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
        """Change what the lab remembers; nobody else does at the same time."""
        self.state()
        with locked(self.paths.lock):
            state = self.state()
            try:
                yield state
            finally:
                lab_state.write(self.paths, state)


def _row(host: LabHost) -> HostStatus:
    if not host.is_on:
        return HostStatus(host.name, host.suite, host.address, "off", 0.0, 0)
    word = host.run("systemctl", "is-system-running", check=False).stdout.strip()
    uptime_s = time.clock_gettime(time.CLOCK_BOOTTIME) - host.start_time
    return HostStatus(
        host.name, host.suite, host.address, word or "unknown", uptime_s, host.memory_bytes
    )
