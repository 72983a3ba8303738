"""A host's web server: port 80, then the certificates, then port 443; and its predecessor's end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from provisioning.agent.facts import Facts
from provisioning.inventory.models.tls import Tls
from provisioning.inventory.models.web_servers import WEB_SERVERS
from provisioning.resources import Resource, ServedCertificates, Service
from provisioning.roles.certificates import certificates
from provisioning.roles.loading import GivenCertificate
from provisioning.roles.site import Site
from provisioning.roles.web_servers import WebServer, web_server


def web(
    name: str, sites: Sequence[Site], tls: Tls, facts: Facts, given: GivenCertificate | None
) -> Iterator[Resource]:
    """Yield a web server with its sites, in the place of another one of Homeport's if there is one.

    Args:
        name: The web server.
        sites: Those on the host.
        tls: How they get their certificates.
        facts: Of the host.
        given: See `read_given_certificate`.
    """
    server, before = web_server(name), predecessors(name, facts)
    keys = certificates(
        sites,
        tls,
        given,
        web_unit=server.UNIT,
        readers=server.KEY_READERS,
        brought=server.BRINGS_CERTIFICATES,
    )
    until = tuple(each.UNIT for each in before)
    resources = [
        *server.installed(until),
        *keys.before,
        *server.front(sites, facts, key_pairs=keys.key_pairs, webroot=keys.webroot, until=until),
        *keys.after,
        *server.secure(
            sites, facts, key_pairs=keys.key_pairs, reload_on=keys.reload_on, webroot=keys.webroot
        ),
    ]
    yield from _instead(server, before, sites, resources) if before else resources
    yield from keys.last
    for each in before:
        yield from each.gone(sites, facts)


def predecessors(name: str, facts: Facts) -> list[WebServer]:
    """Return the other web servers that Homeport manages on a host.

    Args:
        name: The web server that is to follow them.
        facts: Of the host.
    """
    others = [web_server(each) for each in WEB_SERVERS if each != name]
    return [
        each for each in others if each.UNIT in facts.web_units.split() and each.is_alone(facts)
    ]


def _instead(
    server: WebServer,
    before: Sequence[WebServer],
    sites: Sequence[Site],
    resources: Sequence[Resource],
) -> Iterator[Resource]:
    """Yield a server's resources, with all that takes time while its predecessor still serves.

    Between the end of one and the start of the other nothing else is done.
    """
    started = [each for each in resources if _needs_ports(each, server)]
    yield from (each for each in resources if each not in started)
    if server.BRINGS_CERTIFICATES and any(site.authority for site in sites):
        for each in before:
            yield from each.passing_challenges(sites, server.CHALLENGES)
        yield from server.in_advance(sites)
    units = tuple(each.UNIT for each in before)
    for resource in started:
        if isinstance(resource, Service):
            yield replace(resource, instead_of=units, ports=(80, 443))
        else:
            yield resource


def _needs_ports(resource: Resource, server: WebServer) -> bool:
    """Return whether a resource needs its server to have the ports."""
    if isinstance(resource, Service):
        return resource.unit == server.UNIT
    return isinstance(resource, ServedCertificates)
