"""A private network per lab: a bridge, a namespace per host, and a way out."""

from __future__ import annotations

import contextlib
import json
from ipaddress import IPv4Network
from pathlib import Path

from provisioning.errors import HomeportError
from provisioning.lab.processes import call

_RESOLV_CONF = Path("/etc/resolv.conf")
# Source: systemd-resolved(8): its upstream servers, where /etc/resolv.conf names only itself.
_RESOLVED_UPSTREAM = Path("/run/systemd/resolve/resolv.conf")
_NETNS = Path("/run/netns")


def bridge(lab_id: str) -> str:
    """Return the name of the lab's bridge (at most 15 characters: IFNAMSIZ)."""
    return f"hp-{lab_id}"


def table(lab_id: str) -> str:
    """Return the name of the lab's own nftables table."""
    return f"homeport_{lab_id}"


def namespace(lab_id: str, host: str) -> str:
    """Return the name of a host's network namespace."""
    return f"hp-{lab_id}-{host}"


def namespace_path(lab_id: str, host: str) -> Path:
    """Return the file that holds a host's network namespace open."""
    return _NETNS / namespace(lab_id, host)


def set_up(lab_id: str, subnet: IPv4Network) -> None:
    """Make the bridge and the address translation, if they do not exist."""
    name = bridge(lab_id)
    if not _link_exists(name):
        # With an address of its own, or it takes the lowest of its hosts' and changes it
        # as they come and go: the others would lose their gateway until they ask anew.
        argv = ["ip", "link", "add", name, "address", _mac(lab_id, 0), "type", "bridge"]
        call(argv, purpose="make the lab's bridge")
    call(
        ["ip", "address", "replace", f"{subnet[1]}/{subnet.prefixlen}", "dev", name],
        purpose="give the lab's bridge its address",
    )
    call(["ip", "link", "set", name, "up"], purpose="start the lab's bridge")
    # One transaction: the table is empty for nobody, and never there twice.
    rules = f"""
        table ip {table(lab_id)}
        delete table ip {table(lab_id)}
        table ip {table(lab_id)} {{
            chain postrouting {{
                type nat hook postrouting priority srcnat; policy accept;
                ip saddr {subnet} oifname != "{name}" masquerade
            }}
        }}
    """
    call(["nft", "-f", "-"], stdin=rules, purpose="translate the lab's addresses")


def connect(lab_id: str, subnet: IPv4Network, host: str, number: int, address: str) -> None:
    """Give a host its namespace with one link into the bridge."""
    inside, outside = namespace(lab_id, host), f"hp-{lab_id}-{number}"
    purpose = f"connect {host} to the lab's network"
    if not (_NETNS / inside).exists():
        call(["ip", "netns", "add", inside], purpose=purpose)
    if not _link_exists(outside):
        # The same after every rebuild, so that no neighbour remembers a wrong one.
        peer = ["peer", "name", "eth0", "address", _mac(lab_id, number), "netns", inside]
        call(["ip", "link", "add", outside, "type", "veth", *peer], purpose=purpose)
    call(["ip", "link", "set", outside, "master", bridge(lab_id), "up"], purpose=purpose)
    commands = f"""
        link set lo up
        link set eth0 up
        address replace {address}/{subnet.prefixlen} dev eth0
        route replace default via {subnet[1]}
    """
    call(["ip", "-n", inside, "-batch", "-"], stdin=commands, purpose=purpose)


def disconnect(lab_id: str, host: str) -> None:
    """Remove a host's namespace; its link goes with it."""
    if (_NETNS / namespace(lab_id, host)).exists():
        call(["ip", "netns", "delete", namespace(lab_id, host)], purpose=f"disconnect {host}")


def tear_down(lab_id: str) -> None:
    """Remove every namespace, link and rule that carries the lab's id."""
    if _NETNS.is_dir():
        for entry in sorted(_NETNS.glob(f"{bridge(lab_id)}-*")):
            call(["ip", "netns", "delete", entry.name], purpose="remove the lab's namespaces")
    for link in _links():
        if link == bridge(lab_id) or link.startswith(f"{bridge(lab_id)}-"):
            # Links vanish by themselves, a moment after the namespace of their other end.
            with contextlib.suppress(HomeportError):
                call(["ip", "link", "delete", link], purpose="remove the lab's links")
    if f"table ip {table(lab_id)}" in call(["nft", "list", "tables"], purpose="list the rules"):
        call(["nft", "delete", "table", "ip", table(lab_id)], purpose="remove the lab's rules")


def resolvers() -> tuple[list[str], list[str]]:
    """Return this machine's IPv4 name servers: those that hosts reach too, and those on loopback.

    Source: resolv.conf(5), systemd-resolved(8).
    """
    reachable: list[str] = []
    local: list[str] = []
    for path in (_RESOLV_CONF, _RESOLVED_UPSTREAM):
        with contextlib.suppress(OSError):
            for line in path.read_text().splitlines():
                words = line.split()
                if len(words) > 1 and words[0] == "nameserver" and ":" not in words[1]:
                    (local if words[1].startswith("127.") else reachable).append(words[1])
    return list(dict.fromkeys(reachable)), list(dict.fromkeys(local))


def dropping_chains() -> list[str]:
    """Return the firewall chains of this machine that drop what they are asked to forward."""
    listing = json.loads(call(["nft", "-j", "list", "chains"], purpose="read the firewall"))
    chains = [entry["chain"] for entry in listing["nftables"] if "chain" in entry]
    return [
        f"{chain['family']} {chain['table']} {chain['name']}"
        for chain in chains
        if chain.get("hook") == "forward" and chain.get("policy") == "drop"
    ]


def used_networks() -> list[IPv4Network]:
    """Return the networks that this machine has routes to, without the default one."""
    routes = json.loads(call(["ip", "-4", "-j", "route", "show"], purpose="read the routes"))
    return [
        IPv4Network(route["dst"], strict=False) for route in routes if route["dst"] != "default"
    ]


def _mac(lab_id: str, number: int) -> str:
    """Return a hardware address: 02 means locally administered, by IEEE 802."""
    digits = f"02{lab_id}{number:04x}"
    return ":".join(digits[place : place + 2] for place in range(0, 12, 2))


def _links() -> list[str]:
    return [link["ifname"] for link in json.loads(call(["ip", "-j", "link"], purpose="list links"))]


def _link_exists(name: str) -> bool:
    return Path("/sys/class/net", name).exists()
