"""What a lab remembers: one JSON file, enough to find and to remove everything it made."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from ipaddress import IPv4Network
from pathlib import Path

from provisioning.errors import HomeportError
from provisioning.lab.files import replace_file

FORMAT = 1

ACME_PORT = 14000
"""On which the lab's certificate authority listens, at the gateway."""


@dataclass
class HostState:
    """One host, as far as it must be known when nothing of it runs.

    Attributes:
        number: Its place in the lab, from 1 on; names its link and its address.
        machine_id: 32 hexadecimal digits, the same after every reset.
        disk_size_mb: Size of its disk in MiB; None for as large as the machine's.
        layers: Read-only layers of its disk above the base, oldest first.
        snapshots: The layers that a saved state consists of, by its name.
    """

    name: str
    suite: str
    number: int
    address: str
    machine_id: str
    disk_size_mb: int | None = None
    layers: list[str] = field(default_factory=list)
    snapshots: dict[str, list[str]] = field(default_factory=dict)


@dataclass
class LabState:
    """A whole lab.

    Attributes:
        lab_id: 6 hexadecimal digits; every name outside the directory carries it.
        driver: Which driver made it: `nspawn` or `container`.
        subnet: Its private IPv4 network, or "" where the driver has none of its own.
        sudo_password: The password of the host user `operator`.
        bases: The root file systems in use, by suite.
        domains: Names besides the hosts' own, and the host each of them leads to.
    """

    lab_id: str
    driver: str
    sudo_password: str
    subnet: str = ""
    bases: dict[str, str] = field(default_factory=dict)
    hosts: dict[str, HostState] = field(default_factory=dict)
    domains: dict[str, str] = field(default_factory=dict)

    @property
    def network(self) -> IPv4Network:
        """The lab's subnet, parsed."""
        return IPv4Network(self.subnet)

    @property
    def gateway(self) -> str:
        """The machine's own address in the subnet; Pebble listens there."""
        return str(self.network[1])

    @property
    def acme_directory_url(self) -> str:
        """What an ACME client is pointed at."""
        return acme_directory_url(self.gateway)

    def address_of(self, number: int) -> str:
        """Return the address of the host with that number.

        Args:
            number: From 1 on; the first ten addresses stay free for services.
        """
        return str(self.network[10 + number])


@dataclass(frozen=True)
class LabPaths:
    """Where things lie in a lab's directory."""

    directory: Path

    @property
    def state(self) -> Path:
        """What the lab remembers."""
        return self.directory / "lab.json"

    @property
    def lock(self) -> Path:
        """The lock that a process holds while it changes the lab."""
        return self.directory / "lock"

    @property
    def ssh_config(self) -> Path:
        """For ssh and all that read its configuration."""
        return self.directory / "ssh_config"

    @property
    def known_hosts(self) -> Path:
        """The real ssh keys of the hosts."""
        return self.directory / "known_hosts"

    @property
    def key(self) -> Path:
        """The private ssh key of the lab."""
        return self.directory / "id_ed25519"

    @property
    def authority(self) -> Path:
        """The certificate authority that hosts trust."""
        return self.directory / "authority"

    @property
    def acme(self) -> Path:
        """Pebble's files."""
        return self.directory / "acme"

    @property
    def trust(self) -> Path:
        """A layer per suite that trusts the authority."""
        return self.directory / "trust"

    @property
    def hosts(self) -> Path:
        """A directory per host."""
        return self.directory / "hosts"

    def host(self, name: str) -> Path:
        """Return the directory of one host."""
        return self.hosts / name


def acme_directory_url(gateway: str) -> str:
    """Return what an ACME client is pointed at in the lab with that gateway."""
    return f"https://{gateway}:{ACME_PORT}/dir"


def read(paths: LabPaths) -> LabState | None:
    """Return the lab's state, or None where there is no lab.

    Raises:
        HomeportError: The file is not one that this version wrote.
    """
    try:
        text = paths.state.read_text()
    except FileNotFoundError:
        return None
    try:
        data = json.loads(text)
        if data.pop("format") != FORMAT:
            raise ValueError("another format")  # noqa: TRY301
        hosts = {name: HostState(**host) for name, host in data.pop("hosts").items()}
        return LabState(hosts=hosts, **data)
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise HomeportError(
            f"cannot read the lab in {paths.directory}: {paths.state.name} cannot be understood "
            f"({problem})",
            hint="remove that directory if nothing of it is needed",
        ) from None


def write(paths: LabPaths, state: LabState) -> None:
    """Replace the lab's state in one step."""
    replace_file(paths.state, json.dumps({"format": FORMAT, **asdict(state)}, indent=2) + "\n")
