"""Nothing but SSH and the web server is reachable from outside."""

from __future__ import annotations

from provisioning.doctor.finding import Finding, failed, passed
from provisioning.doctor.seen import HostSeen

WEB = (80, 443)
DHCP = (68, 546)
"""Where a host gets its address. Source: RFC 2131, RFC 8415."""


def judge(seen: HostSeen) -> Finding | None:
    """Judge the ports that programs have opened."""
    others = []
    for each in seen.examination.listeners:
        is_local = each.address.startswith("127.") or each.address == "::1"
        is_ssh = each.protocol == "tcp" and each.port in (22, seen.ssh_port) and each.user == "root"
        is_web = each.port in WEB
        is_dhcp = each.protocol == "udp" and each.port in DHCP
        if not (is_local or is_ssh or is_web or is_dhcp):
            others.append(
                f"{each.program or each.user} on {each.address}:{each.port}/{each.protocol}"
            )
    if others:
        return failed(
            f"also open: {', '.join(others[:4])}",
            "bind it to 127.0.0.1, remove the package, or close the port with a firewall",
        )
    return passed(f"only {seen.ssh_port}, 80 and 443")
