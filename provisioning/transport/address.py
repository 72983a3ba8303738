"""What the inventory or `-H` says of a host, before ssh's own configuration is asked."""

from __future__ import annotations

import re
from dataclasses import dataclass

from provisioning.errors import ConfigurationError

# What a host may be called: a name, an IPv4 or IPv6 address (with a zone). Neither a
# leading "-" (an option to ssh) nor anything that a shell would read otherwise.
_HOST = re.compile(r"[A-Za-z0-9_:\[][A-Za-z0-9_.:%\[\]-]*")
_USER = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.@+$\\-]*")
_BRACKETED = re.compile(r"\[(?P<host>[^\[\]]+)\](?::(?P<port>[0-9]+))?")


@dataclass(frozen=True)
class Address:
    """A host as a person names it.

    Attributes:
        name: What messages call it.
        address: Name or IP address to connect to; also what `Host` in ssh's
            configuration is compared with.
        user: Login user; None leaves it to ssh's configuration.
        port: TCP port, 1 to 65535; None leaves it to ssh's configuration.
    """

    name: str
    address: str
    user: str | None = None
    port: int | None = None

    def __post_init__(self) -> None:
        if not _HOST.fullmatch(self.address):
            raise ConfigurationError(f"cannot connect to {self.address!r}: it is not a host name")
        if self.user is not None and not _USER.fullmatch(self.user):
            raise ConfigurationError(f"cannot log in as {self.user!r}: it is not a user name")
        if self.port is not None and not 1 <= self.port <= 65535:
            raise ConfigurationError(
                f"cannot connect to {self.name}: port {self.port} is not within 1 to 65535"
            )

    @classmethod
    def parse(cls, text: str) -> Address:
        """Return the address that "web1", "admin@web1:2222" or "[2001:db8::1]:22" names.

        Raises:
            ConfigurationError: The text names no host.
        """
        user, _, rest = text.strip().rpartition("@")
        host, port = rest, ""
        if bracketed := _BRACKETED.fullmatch(rest):
            host, port = bracketed["host"], bracketed["port"] or ""
        elif rest.count(":") == 1:
            host, port = rest.split(":")
            if not port.isdigit():
                raise ConfigurationError(f"cannot connect to {text!r}: {port!r} is not a port")
        return cls(host, host, user or None, int(port) if port else None)
