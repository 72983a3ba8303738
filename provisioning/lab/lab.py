"""A lab: throwaway hosts, a network, a certificate authority, all below one directory."""

from __future__ import annotations

import contextlib
import secrets
import shutil
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from provisioning.errors import ConfigurationError
from provisioning.lab import access, cgroups, keys, roster
from provisioning.lab import state as lab_state
from provisioning.lab.acme import Acme
from provisioning.lab.choice import choose_driver
from provisioning.lab.drivers import Driver
from provisioning.lab.host import LabHost
from provisioning.lab.locks import locked
from provisioning.lab.record import ACME_NAME, LabRecord, silent
from provisioning.lab.state import LabState
from provisioning.lab.status import HostStatus

_Thing = TypeVar("_Thing")


class Lab(LabRecord):
    """A handle; the lab itself lives in its directory and outlives the process."""

    @classmethod
    def create(
        cls,
        directory: Path,
        *,
        say: Callable[[str], None] = silent,
        sudo_password: str | None = None,
    ) -> Lab:
        """Return the lab in a directory, or a new one if there is none.

        Args:
            directory: Where everything of the lab lies; made as needed.
            say: Told, in one line each, about things that take long.
            sudo_password: Of the host user `operator` in a new lab; None for a random one.

        Raises:
            ConfigurationError: The directory's name cannot be used.
            HomeportError: This machine can run no lab at all.
        """
        lab = cls(directory, say=say)
        # Source: mount(8): these have a meaning in overlayfs options.
        if any(sign in str(lab.paths.directory) for sign in ",:\\"):
            raise ConfigurationError(
                f"cannot make a lab in {directory}: its path must not contain commas, colons or "
                "backslashes"
            )
        driver = choose_driver()
        with locked(lab.paths.lock):
            if lab_state.read(lab.paths) is None:
                lab_id = secrets.token_hex(3)
                keys.make_user_key(lab.paths.key, f"homeport-lab-{lab_id}")
                password = sudo_password or secrets.token_urlsafe(12)
                lab_state.write(lab.paths, LabState(lab_id, driver, password))
        return lab

    @classmethod
    def find(cls, directory: Path, *, say: Callable[[str], None] = silent) -> Lab | None:
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
        group = cgroups.lab_group(state.lab_id) / ACME_NAME
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
            _create(state, driver, [n for n in names if n not in state.hosts], suite, disk_size_mb)
        if driver.has_acme:
            self.acme.start()
        wanted = [LabHost(self, name) for name in names]
        try:
            _at_once(LabHost.boot, wanted)
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
                self.acme.set_addresses(name, address)


def _create(
    state: LabState, driver: Driver, names: Sequence[str], suite: str, disk_size_mb: int | None
) -> None:
    for name in names:
        state.hosts[name] = roster.new_host(state, name, suite, disk_size_mb)
    try:
        _at_once(driver.create, [state.hosts[name] for name in names])
    except BaseException:
        # A host is remembered only when it is whole.
        for name in names:
            del state.hosts[name]
        raise


def _at_once(action: Callable[[_Thing], None], things: Sequence[_Thing]) -> None:
    """Do the same to several things at the same time; the first failure is raised."""
    with ThreadPoolExecutor(max(len(things), 1)) as pool:
        list(pool.map(action, things))


def _row(host: LabHost) -> HostStatus:
    if not host.is_on:
        return HostStatus(host.name, host.suite, host.address, "off", 0.0, 0)
    word = host.run("systemctl", "is-system-running", check=False).stdout.strip()
    return HostStatus(
        host.name, host.suite, host.address, word or "unknown", host.uptime_s, host.memory_bytes
    )
