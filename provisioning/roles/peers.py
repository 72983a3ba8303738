"""Hosts with the same site: each must know the answer that a certificate authority asks for."""

from __future__ import annotations

from provisioning.errors import ConfigurationError
from provisioning.inventory.inventory import Inventory
from provisioning.inventory.models.app import App
from provisioning.inventory.models.host import Host
from provisioning.inventory.types.units import is_address


def peers(inventory: Inventory, host: Host, app: App) -> tuple[str, ...]:
    """Return the addresses at which a host asks an app's other hosts; none without an authority.

    Raises:
        ConfigurationError: A host has a name only. A web server that cannot look it up does not
            start.
    """
    if inventory.tls.method != "acme":
        return ()
    others = [
        other
        for other in inventory.hosts_of(app)
        if other.name != host.name and other.address != host.address and _address(other) != "off"
    ]
    for other in others:
        if not is_address(_address(other)):
            raise ConfigurationError(
                f"cannot get certificates for {app.name} on {host.name} and {other.name}: each "
                "asks the other for its answers to the authority by IP address, and "
                f"{_address(other)} is a name",
                hint=f'add peer_address = "..." to [hosts.{other.name}] in {inventory.path}: the '
                f"address at which {host.name} reaches port 80 of {other.name}",
            )
    return tuple(_address(other) for other in others)


def _address(host: Host) -> str:
    return host.peer_address or host.address
