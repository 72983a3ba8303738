"""Which hosts a lab may have: names, suites, numbers, addresses."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence

from provisioning.errors import ConfigurationError
from provisioning.lab.base import SUITES
from provisioning.lab.state import HostState, LabState

# A /24 less its ends, the gateway and the addresses for services.
MAX_HOSTS = 200
# Source: RFC 1123; the length keeps the name of its control group and namespace short.
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")


def check(state: LabState, names: Sequence[str], suite: str) -> None:
    """Refuse hosts that a lab cannot have.

    Raises:
        ConfigurationError: No such suite, a name no host can have, or a host
            of that name with another suite.
    """
    if suite not in SUITES:
        raise ConfigurationError(
            f"cannot make a host with Debian {suite!r}: the lab has {' and '.join(SUITES)}"
        )
    for name in names:
        if not _NAME.fullmatch(name):
            raise ConfigurationError(
                f"cannot make a host {name!r}: its name may have lower-case letters, digits and "
                "hyphens only"
            )
        known = state.hosts.get(name)
        if known is not None and known.suite != suite:
            raise ConfigurationError(
                f"cannot start {name} with Debian {suite}: it already exists with {known.suite}",
                hint="use another name, or take the lab down first",
            )


def new_host(state: LabState, name: str, suite: str, disk_size_mb: int | None) -> HostState:
    """Return a host that the lab does not have yet, with a free number and its address.

    Raises:
        ConfigurationError: The lab is full.
    """
    taken = {host.number for host in state.hosts.values()}
    number = next((n for n in range(1, MAX_HOSTS + 1) if n not in taken), None)
    if number is None:
        raise ConfigurationError(f"cannot make a host {name}: the lab is full ({MAX_HOSTS} hosts)")
    address = state.address_of(number)
    return HostState(name, suite, number, address, uuid.uuid4().hex, disk_size_mb)


def addresses(state: LabState) -> dict[str, str]:
    """Return the address of every host and every domain."""
    found = {name: host.address for name, host in state.hosts.items()}
    return {**found, **{domain: found[host] for domain, host in state.domains.items()}}
