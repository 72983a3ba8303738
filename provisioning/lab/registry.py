"""Which labs this machine has: no two share a subnet, and the last one out turns off the light."""

from __future__ import annotations

import contextlib
import json
from ipaddress import IPv4Network
from pathlib import Path

from provisioning.errors import HomeportError
from provisioning.lab.locks import locked

# Gone after a restart of the machine, and so is everything that it describes.
DIRECTORY = Path("/run/homeport-lab")
_IP_FORWARD = Path("/proc/sys/net/ipv4/ip_forward")
# Source: RFC 1918; the less usual corners of each range.
_POOLS = (
    IPv4Network("10.77.0.0/16"),
    IPv4Network("172.29.0.0/16"),
    IPv4Network("192.168.128.0/17"),
)


def entries() -> dict[str, tuple[Path, IPv4Network]]:
    """Return the labs of this machine: their directory and subnet, by id."""
    found = {}
    for path in DIRECTORY.glob("*.json"):
        with contextlib.suppress(OSError, ValueError, KeyError):
            data = json.loads(path.read_text())
            found[path.stem] = (Path(data["directory"]), IPv4Network(data["subnet"]))
    return found


def candidates() -> list[IPv4Network]:
    """Return the subnets that a lab may have, the first choice first."""
    return [subnet for pool in _POOLS for subnet in pool.subnets(new_prefix=24)]


def enter(lab_id: str, directory: Path, wanted: str, used: list[IPv4Network]) -> IPv4Network:
    """Reserve a subnet for a lab and switch forwarding on.

    Args:
        lab_id: The lab; one that has a subnet already keeps it.
        directory: Where its state lies.
        wanted: The subnet it had before, or "" for any free one.
        used: Networks that the machine itself has routes to.

    Raises:
        HomeportError: The wanted subnet, or every subnet, is taken.
    """
    with locked(DIRECTORY / "lock"):
        known = entries()
        if lab_id in known:
            return known[lab_id][1]
        taken = [subnet for _, subnet in known.values()] + used
        subnet = _free(wanted, taken)
        before = _IP_FORWARD.read_text().strip()
        if not (DIRECTORY / "ip_forward").exists():
            (DIRECTORY / "ip_forward").write_text(before)
        if before != "1":
            _IP_FORWARD.write_text("1")
        entry = {"directory": str(directory), "subnet": str(subnet)}
        (DIRECTORY / f"{lab_id}.json").write_text(json.dumps(entry))
    return subnet


def leave(lab_id: str) -> None:
    """Give a lab's subnet back; with the last lab, forwarding is as it was before the first."""
    if not DIRECTORY.is_dir():
        return
    with locked(DIRECTORY / "lock"):
        (DIRECTORY / f"{lab_id}.json").unlink(missing_ok=True)
        if entries():
            return
        with contextlib.suppress(FileNotFoundError):
            before = (DIRECTORY / "ip_forward").read_text().strip()
            if before == "0":
                _IP_FORWARD.write_text("0")
            (DIRECTORY / "ip_forward").unlink()
        (DIRECTORY / "lock").unlink()
        with contextlib.suppress(OSError):
            DIRECTORY.rmdir()


def _free(wanted: str, taken: list[IPv4Network]) -> IPv4Network:
    if wanted:
        subnet = IPv4Network(wanted)
        if any(subnet.overlaps(other) for other in taken):
            raise HomeportError(
                f"cannot start the lab: its network {subnet} is in use now",
                hint="take the lab down and up again; it then gets another one",
            )
        return subnet
    for subnet in candidates():
        if not any(subnet.overlaps(other) for other in taken):
            return subnet
    raise HomeportError("cannot start the lab: no private network is free on this machine")
