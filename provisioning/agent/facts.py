"""The small, fixed set of things a role may know of a host.

Versions are those that are installed or, where a role looks at one on a bare host, those that apt
would install: so that what `--check` says of a bare host is what a run then does.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields
from typing import Any, Dict, Mapping, Tuple

VERSIONS = {
    "nginx": "nginx",
    "openssl": "openssl",
    "python": "python3",
    "systemd": "systemd",
    "certbot": "python3-certbot",
}
"""Field of Facts -> the Debian package whose version it is."""


WEB_UNITS = ("nginx.service", "caddy.service")
"""Units of the web servers that Homeport can manage."""


def version_tuple(text: str) -> Tuple[int, ...]:
    """Return the leading numbers of a version: "1.22.1-9+deb12u2" -> (1, 22, 1)."""
    numbers = []
    for part in text.split("-", 1)[0].split("."):
        digits = ""
        for character in part:
            if not character.isdigit():
                break
            digits += character
        if not digits:
            break
        numbers.append(int(digits))
    return tuple(numbers)


@dataclass(frozen=True)
class Facts:
    """What roles may know of a host.

    Args:
        debian: Debian's release number, e.g. "12"; "" when it is not Debian.
        codename: Debian's release name, e.g. "bookworm".
        architecture: dpkg's name of it, e.g. "amd64".
        cores: Processors that processes may run on.
        memory_mb: Memory in MiB, as the kernel or the container's limit says.
        ipv6: Whether the kernel has IPv6: `listen [::]:80` fails where it has not.
        container: systemd-detect-virt's name of the container technology, or "".
        nginx, openssl, python, systemd, certbot: Upstream versions, "" if not to be had.
        nginx_beside: "" where nginx is Homeport's alone, or will be. Where it serves others, the
            file below /etc/nginx by which our sites come in: "sites-enabled/zz-homeport.conf",
            or "nowhere".
        nginx_brotli: Whether nginx loads the module that serves files compressed with brotli.
        nginx_taken: Where others' servers listen there, of ports 80 and 443: "443v6 80 80v6".
        web_units: Those of WEB_UNITS that Homeport manages on the host, with blanks between.
    """

    debian: str = ""
    codename: str = ""
    architecture: str = ""
    cores: int = 1
    memory_mb: int = 0
    ipv6: bool = True
    container: str = ""
    nginx: str = ""
    nginx_brotli: bool = False
    openssl: str = ""
    python: str = ""
    systemd: str = ""
    certbot: str = ""
    nginx_beside: str = ""
    nginx_taken: str = ""
    web_units: str = ""

    def to_json(self) -> Dict[str, Any]:
        """Return plain values, ready for the wire."""
        return {field.name: vars(self)[field.name] for field in fields(self)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Facts:
        """Build from plain values; unknown names (a newer version's) are dropped."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in values.items() if name in known})


def facts_digest(facts: Facts) -> str:
    """Return the digest of the facts, which a plan names."""
    return hashlib.sha256(json.dumps(facts.to_json(), sort_keys=True).encode()).hexdigest()
