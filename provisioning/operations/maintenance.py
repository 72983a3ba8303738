"""Maintenance: who gets the app all the same."""

from __future__ import annotations

import ipaddress

from provisioning.errors import ConfigurationError


def networks(text: str) -> tuple[str, ...]:
    """Return the networks that a list names: "203.0.113.7, 2001:db8::/48".

    Raises:
        ConfigurationError: One of them is none.
    """
    found = []
    for each in filter(None, (part.strip() for part in text.split(","))):
        try:
            found.append(str(ipaddress.ip_network(each, strict=False)))
        except ValueError:
            raise ConfigurationError(
                f"--allow: {each} is neither an address nor a network",
                hint="such as 203.0.113.7 or 2001:db8::/48, with commas between",
            ) from None
    return tuple(dict.fromkeys(found))
