"""Addresses from which visitors come to a lab host, over IPv4 and IPv6."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address

from provisioning.lab import Lab, LabHost
from provisioning.lab import network as lab_network
from provisioning.lab.processes import call


@dataclass(frozen=True)
class Street:
    """A way to a host from an address of one's own.

    Args:
        source: The client's address.
        target: The host's.
    """

    source: str
    target: str


@dataclass(frozen=True)
class Streets:
    """Ways to a host: for who attacks and for who does not, no two from the same /64.

    Args:
        attackers, others: One each over IPv4 and over IPv6.
    """

    attackers: tuple[Street, Street]
    others: tuple[Street, Street]


@contextmanager
def streets(lab: Lab, host: LabHost) -> Iterator[Streets]:
    """Give this machine's end of the lab's network more addresses, and the host two of IPv6."""
    state = lab.state()
    bridge, inside = (
        lab_network.bridge(state.lab_id),
        lab_network.namespace(state.lab_id, host.name),
    )
    here = IPv4Address(host.address) + 100
    # Of the lab's own network and in the /8 that is nobody's elsewhere. Source: RFC 4193.
    networks = [f"fd00:{int(here) >> 16:x}:{int(here) & 0xFFFF:x}:{n}::" for n in (1, 2)]
    ours = [f"{here}/32", *(f"{each}1/64" for each in networks)]
    theirs = [f"{each}2/64" for each in networks]
    purpose = "give the lab's visitors addresses"
    try:
        for address in ours:
            nodad = ["nodad"] if ":" in address else []
            call(["ip", "address", "replace", address, "dev", bridge, *nodad], purpose=purpose)
        for address in theirs:
            argv = ["ip", "-n", inside, "address", "replace", address, "dev", "eth0", "nodad"]
            call(argv, purpose=purpose)
        yield Streets(
            attackers=(
                Street(str(here), host.address),
                Street(f"{networks[0]}1", f"{networks[0]}2"),
            ),
            others=(
                Street("", host.address),
                Street(f"{networks[1]}1", f"{networks[1]}2"),
            ),
        )
    finally:
        for address in ours:
            call(["ip", "address", "delete", address, "dev", bridge], purpose="take them away")
