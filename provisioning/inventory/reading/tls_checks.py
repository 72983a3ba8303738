"""Check that the way to certificates fits the domains."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from provisioning.inventory.inventory import runs_on
from provisioning.inventory.models.app import App
from provisioning.inventory.models.host import Host
from provisioning.inventory.models.tls import Tls
from provisioning.inventory.models.web_servers import WEB_SERVERS
from provisioning.inventory.reading.problems import Mistake
from provisioning.inventory.reading.site_checks import named_at
from provisioning.inventory.types.units import ACME_DIRECTORIES, is_address

MOST_HOSTS = 5
"""Source: https://letsencrypt.org/docs/rate-limits/, "New Certificates per Exact Set of
Identifiers": so many in seven days."""


def tls_mistakes(tls: Tls, apps: Mapping[str, App], hosts: Mapping[str, Host]) -> Iterator[Mistake]:
    """Yield the keys of `[tls]` that contradict its method, and the domains that cannot have it."""
    for key in ("certificate", "key"):
        given = getattr(tls, key) is not None
        if tls.method == "files" and not given:
            yield Mistake(("tls", key), 'is missing: method "files" needs a certificate and a key')
        if tls.method != "files" and given:
            yield Mistake(
                ("tls", key), f'has no effect with method "{tls.method}"; only "files" reads it'
            )
    if not tls.https:
        for app in apps.values():
            if app.client_ca:
                yield Mistake(
                    ("apps", app.name, "client_ca"),
                    'has no effect with tls.method = "off": client certificates are a part of TLS',
                )
    if tls.method != "acme":
        for key in ("directory_url", "email", "preflight"):
            if key in tls.model_fields_set:
                yield Mistake(("tls", key), f'has no effect with method "{tls.method}"')
        return
    for app in apps.values():
        count = sum(runs_on(app, host) for host in hosts.values())
        if count > MOST_HOSTS and _is_lets_encrypt(tls):
            yield Mistake(
                ("apps", app.name),
                f"runs on {count} hosts, and each gets a certificate for the same names, of "
                f"which Let's Encrypt issues {MOST_HOSTS} a week; use one certificate for all "
                'with tls.method = "files", or a load balancer with the certificate in front of '
                'hosts with "off"',
            )
        limits = WEB_SERVERS.get(app.web_server)
        if count > 1 and limits and limits.one_host:
            yield Mistake(
                ("apps", app.name),
                f"runs on {count} hosts, whose {app.web_server} cannot all get certificates for "
                f"the same names: {limits.one_host}; use one certificate for all with tls.method "
                '= "files", or another web_server',
            )
        for place, name in named_at(app):
            reason = _not_by_acme(name)
            if reason:
                yield Mistake(place, f"{name} {reason}")


def _is_lets_encrypt(tls: Tls) -> bool:
    known = ACME_DIRECTORIES["letsencrypt"]
    return ACME_DIRECTORIES.get(tls.directory_url, tls.directory_url) == known


def _not_by_acme(domain: str) -> str:
    """Return why an ACME authority gives no certificate for a name over port 80, or ""."""
    if domain.startswith("*."):
        # Source: https://letsencrypt.org/docs/challenge-types/#http-01-challenge
        return 'is a wildcard, which ACME gives only by DNS; use tls.method = "files"'
    if is_address(domain):
        return 'is an address, not a name; use tls.method = "self-signed" or "off"'
    if "." not in domain:
        return "is a name without a dot, for which no authority gives a certificate"
    return ""
