"""What a host's nginx and OpenSSL can do, by their versions, never by a release's name."""

from __future__ import annotations

from dataclasses import dataclass

from provisioning.agent.facts import Facts, version_tuple
from provisioning.errors import ConfigurationError

OLDEST = (1, 19, 4)
"""ssl_reject_handshake. Source: https://nginx.org/en/CHANGES"""

UNKNOWN = (1, 22, 1)
"""Read an unknown version as Debian 12's: what it takes, all later ones take."""


@dataclass(frozen=True)
class Capabilities:
    """What the templates ask about.

    Args:
        http2_directive: "http2 on;" and not a word in "listen". Source: nginx 1.25.1's changes.
        hybrid_key_exchange: The post-quantum X25519MLKEM768. Source: OpenSSL 3.5's changes.
        rotates_ticket_keys: Session tickets do not undo forward secrecy. Source: nginx 1.23.2.
        upstream_keepalive_by_default: It must be turned off. Source: nginx 1.29.7's changes.
        brotli: It serves files that were compressed with brotli.
    """

    http2_directive: bool
    hybrid_key_exchange: bool
    rotates_ticket_keys: bool
    upstream_keepalive_by_default: bool
    brotli: bool = False

    @classmethod
    def of(cls, facts: Facts) -> Capabilities:
        """Return what is possible on a host.

        Raises:
            ConfigurationError: its nginx is too old for a safe default server.
        """
        nginx = version_tuple(facts.nginx) or UNKNOWN
        if nginx < OLDEST:
            raise ConfigurationError(
                f"cannot configure nginx {facts.nginx}: 1.19.4 is the oldest that can refuse "
                "unknown names",
                hint="upgrade the host to Debian 12 or newer",
            )
        return cls(
            http2_directive=nginx >= (1, 25, 1),
            hybrid_key_exchange=version_tuple(facts.openssl) >= (3, 5),
            rotates_ticket_keys=nginx >= (1, 23, 2),
            upstream_keepalive_by_default=nginx >= (1, 29, 7),
            brotli=facts.nginx_brotli,
        )
