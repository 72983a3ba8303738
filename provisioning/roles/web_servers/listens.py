"""Where Homeport's servers listen, next to those of others."""

from __future__ import annotations

from dataclasses import dataclass

from provisioning.agent.facts import Facts
from provisioning.roles.web_servers.capabilities import Capabilities


@dataclass(frozen=True)
class Listens:
    """What the templates ask about.

    Args:
        taken: Where others' servers listen: "443", "80v6". Whoever asks there for a name that
            nobody has is answered as before.
        has_ipv6: Whether the host has IPv6.
        can: What its nginx can do.
    """

    taken: frozenset[str]
    has_ipv6: bool
    can: Capabilities

    @classmethod
    def of(cls, facts: Facts, can: Capabilities) -> Listens:
        """Return where Homeport's servers listen on a host."""
        return cls(frozenset(facts.nginx_taken.split()), facts.ipv6, can)

    def ipv6(self, port: int) -> bool:
        """Return whether Homeport's servers listen over IPv6.

        Not where others' do over IPv4 alone: an address of theirs for IPv6, which is refused and
        so not used, would lead to a server that does not know them.
        """
        return self.has_ipv6 and (f"{port}v6" in self.taken or str(port) not in self.taken)

    def is_default(self, port: int, *, ipv6: bool = False) -> bool:
        """Return whether Homeport's servers answer for names that no site has."""
        if ipv6:
            return self.ipv6(port) and f"{port}v6" not in self.taken
        return str(port) not in self.taken

    @property
    def http2(self) -> str:
        """The word in "listen" that turns HTTP/2 on, for all servers of the port."""
        if self.can.http2_directive or self.taken & {"443", "443v6"}:
            return ""
        return " http2"
