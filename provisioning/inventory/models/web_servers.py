"""The web servers that an inventory may name: files of roles/web_servers/, and their limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Limits:
    """What an inventory may not ask of a web server.

    Args:
        refuses: Key of an app -> why it has no effect, and what to do instead.
        one_host: Why certificates from an authority are for apps with one host only; "" if they
            are not.
        headers_off: Whether a header that all answers get can be left out for one app.
    """

    refuses: Mapping[str, str] = field(default_factory=dict)
    one_host: str = ""
    headers_off: bool = True


_NGINX = 'use web_server = "nginx"'
_NO_LIMITS = (
    "has no effect with caddy: Debian's has no rate limits; remove it and limit requests in the "
    f"app or in front of the host, or {_NGINX}"
)

WEB_SERVERS: Mapping[str, Limits] = {
    "nginx": Limits(),
    "caddy": Limits(
        refuses={
            "rate_limit": _NO_LIMITS,
            "burst": _NO_LIMITS,
            "connection_limit": _NO_LIMITS,
            "limits": _NO_LIMITS,
            "media": "cannot be had with caddy: it follows links, so an app could have it show the "
            f"keys of certificates; let the app serve the files, or {_NGINX}",
            "basic_auth": f"cannot be had with caddy: Debian's does not know the hashes; {_NGINX}",
            "client_ca": f"cannot be had with caddy; {_NGINX}",
            "snippet": "cannot be had with caddy: put sites of your own into /etc/caddy/local.d on "
            f"the host; or {_NGINX}",
        },
        one_host="an authority asks any of them, and only the one whose caddy wants the "
        "certificate knows the answer",
        headers_off=False,
    ),
}
"""Name -> its limits. The first is the one that an app has if nothing is said."""
