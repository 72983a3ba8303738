"""Where the sites' certificates come from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from provisioning.agent import layout
from provisioning.errors import ConfigurationError
from provisioning.inventory.models.tls import Tls
from provisioning.render import render
from provisioning.resources import (
    Certificate,
    Directory,
    EarlierCertificate,
    EarlierRenewal,
    File,
    Packages,
    Resource,
    SelfSigned,
    Service,
    Unit,
)
from provisioning.roles.loading import GivenCertificate
from provisioning.roles.site import KeyPair, Site

GIVEN = "/etc/homeport/tls/given"
HOOKS = f"{layout.ACME}/renewal-hooks/deploy"


@dataclass(frozen=True)
class Certificates:
    """What brings certificates to a host.

    Args:
        before: Resources that come before the web server.
        after: Resources that need it to answer on port 80.
        last: Resources that come when it has the certificates.
        key_pairs: Site's name -> certificate and key; empty when there is no HTTPS.
        reload_on: Those of the resources after whose change the web server reloads.
        webroot: Directory with answers to an ACME authority, or "".
    """

    before: Sequence[Resource] = ()
    after: Sequence[Resource] = ()
    last: Sequence[Resource] = ()
    key_pairs: Mapping[str, KeyPair] = field(default_factory=dict)
    reload_on: Sequence[Resource] = ()
    webroot: str = ""


def certificates(
    sites: Sequence[Site],
    tls: Tls,
    given: GivenCertificate | None = None,
    *,
    web_unit: str,
    readers: str = "root",
    brought: bool = False,
) -> Certificates:
    """Return what brings the sites' certificates.

    Args:
        sites: Those on the host.
        tls: What the inventory asks for.
        given: The person's own certificate, for method "files".
        web_unit: The web server's unit of systemd, which is reloaded after a renewal.
        readers: The group as which it reads keys.
        brought: Whether it gets certificates from an authority itself.

    Raises:
        ConfigurationError: Method "files" without one.
    """
    if tls.method == "acme" and brought:
        return Certificates(
            before=[Directory(layout.ACME_WEBROOT)],
            last=_without_authority(sites),
            webroot=layout.ACME_WEBROOT,
        )
    if tls.method == "acme":
        return _from_authority(sites, tls, web_unit)
    if tls.method == "files":
        return _given(sites, given, readers)
    if tls.method == "self-signed":
        return _self_signed(sites, readers)
    return Certificates(last=_without_authority(sites))


def _from_authority(sites: Sequence[Site], tls: Tls, web_unit: str) -> Certificates:
    made = [
        Certificate(
            site.name,
            site.names,
            tls.directory,
            email=tls.email or "",
            preflight=tls.preflight,
            peers=site.peers,
        )
        for site in sites
    ]
    return Certificates(
        before=[Directory(layout.ACME_WEBROOT), *(EarlierCertificate(s.name) for s in sites)],
        after=[*_certbot(web_unit), *made, *_timers(sites, web_unit)],
        last=[EarlierRenewal(tuple(site.name for site in sites))],
        key_pairs={each.label: KeyPair(each.chain, each.key) for each in made},
        reload_on=made,
        webroot=layout.ACME_WEBROOT,
    )


def _certbot(web_unit: str) -> list[Resource]:
    """Return certbot and its directories: not Debian's program, service and timer.

    Those are everybody's; its library alone renews nothing and replaces no other certbot.
    """
    return [
        Packages("certbot", ("python3-certbot",)),
        Directory(layout.ACME, mode="0700"),
        Directory(layout.ACME_WORK, mode="0700"),
        Directory(layout.ACME_LOGS, mode="0700"),
        # Where no app has a virtualenv, there is no other program of Homeport's own.
        File(layout.CERTBOT, render("certbot/certbot.j2", layout=layout), mode="0755"),
        Directory(HOOKS),
        File(
            f"{HOOKS}/10-homeport-reload-{web_unit.removesuffix('.service')}",
            render("certbot/reload.j2", unit=web_unit),
            mode="0755",
        ),
    ]


def _timers(sites: Sequence[Site], web_unit: str) -> Iterator[Resource]:
    yield Unit(
        f"{layout.RENEWAL}@.service",
        render("certbot/renewal.service.j2", layout=layout, web_unit=web_unit),
    )
    timer = Unit(f"{layout.RENEWAL}@.timer", render("certbot/renewal.timer.j2"))
    yield timer
    for site in sites:
        yield Service(_timer(site.name), restart_on=(timer,))
        for name in site.former:
            yield _stopped(name)


def _timer(name: str) -> str:
    return f"{layout.RENEWAL}@{name}.timer"


def _stopped(name: str) -> Service:
    return Service(_timer(name), running=False, enabled=False)


def _without_authority(sites: Sequence[Site]) -> list[Resource]:
    """Return what ends renewals, where certificates came from an authority before."""
    stopped = [_stopped(name) for site in sites for name in (site.name, *site.former)]
    return [*stopped, EarlierRenewal()]


def _given(sites: Sequence[Site], given: GivenCertificate | None, readers: str) -> Certificates:
    if given is None:
        raise ConfigurationError(
            'cannot use tls.method = "files": the certificate and its key were not read'
        )
    files = [
        File(f"{GIVEN}/fullchain.pem", given.chain),
        File(
            f"{GIVEN}/privkey.pem",
            given.key.reveal(),
            mode="0600" if readers == "root" else "0640",
            group=readers,
            secret=True,
        ),
    ]
    pair = KeyPair(files[0].path, files[1].path)
    return Certificates(
        before=[
            Directory(GIVEN, mode="0700" if readers == "root" else "0750", group=readers),
            *files,
        ],
        last=_without_authority(sites),
        key_pairs={site.name: pair for site in sites},
        reload_on=files,
    )


def _self_signed(sites: Sequence[Site], readers: str) -> Certificates:
    made = [SelfSigned(site.name, site.names, readers=readers) for site in sites]
    return Certificates(
        before=made,
        last=_without_authority(sites),
        key_pairs={each.label: KeyPair(each.chain, each.key) for each in made},
        reload_on=made,
    )
