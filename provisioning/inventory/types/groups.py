"""Groups of a host that an app may be in besides its own."""

from __future__ import annotations

import re

# Source: group.master of Debian's base-passwd, and the groups of systemd, sudo and others that
# stand for all that a host has. sasl is left out: its members only ask whether passwords are right.
_REFUSED = {
    "would be root in all but name": (
        "root sudo wheel admin disk docker incus incus-admin kmem libvirt lxd shadow staff"
    ),
    "would read what all programs of the host log": "adm systemd-journal utmp",
    "would reach every app of the host": "www-data caddy",
    "belongs to Debian itself, and is no app's": (
        "audio backup bin cdrom crontab daemon dialout dip fax floppy games input irc kvm list lp "
        "mail man messagebus netdev news nogroup nobody operator plugdev proxy render sgx src ssh "
        "_ssh sys tape tty users uucp video voice"
    ),
}
_PREFIXES = ("systemd-", "homeport-")

PATTERN = r"^[a-z_][a-z0-9_-]{0,30}$"
"""Source: NAME_REGEX of adduser(8), and the limit of groupadd(8)."""


def extra_group(name: str) -> str:
    """Return the name of a group that an app may be in.

    Raises:
        ValueError: it is none, or its members have rights that no app may have.
    """
    if not re.fullmatch(PATTERN, name):
        raise ValueError(f'must be a group of the host such as "redis", not "{name}"')
    for why, names in _REFUSED.items():
        if name in names.split():
            raise ValueError(f"{name} is refused: an app in it {why}" if why.startswith("would")
                             else f"{name} is refused: it {why}")  # fmt: skip
    if name.startswith(_PREFIXES):
        raise ValueError(f"{name} is refused: it belongs to the system's own services")
    return name
