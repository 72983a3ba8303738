"""Where the sites' certificates come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from provisioning.agent.layout import ACME_WEBROOT
from provisioning.errors import ConfigurationError
from provisioning.inventory.tls import Tls
from provisioning.render import render
from provisioning.resources import (
    Certificate,
    Directory,
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
HOOKS = "/etc/letsencrypt/renewal-hooks/deploy"


@dataclass(frozen=True)
class Certificates:
    """What brings certificates to a host.

    Args:
        before: Resources that come before the web server.
        after: Resources that need it to answer on port 80.
        key_pairs: Site's name -> certificate and key; empty when there is no HTTPS.
        reload_on: Those of the resources after whose change the web server reloads.
        webroot: Directory with answers to an ACME authority, or "".
    """

    before: Sequence[Resource] = ()
    after: Sequence[Resource] = ()
    key_pairs: Mapping[str, KeyPair] = field(default_factory=dict)
    reload_on: Sequence[Resource] = ()
    webroot: str = ""


def certificates(
    sites: Sequence[Site], tls: Tls, given: GivenCertificate | None = None
) -> Certificates:
    """Return what brings the sites' certificates.

    Args:
        sites: Those on the host.
        tls: What the inventory asks for.
        given: The person's own certificate, for method "files".

    Raises:
        ConfigurationError: Method "files" without one.
    """
    if tls.method == "acme":
        return _from_authority(sites, tls)
    if tls.method == "files":
        return _given(sites, given)
    if tls.method == "self-signed":
        return _self_signed(sites)
    return Certificates()


def _from_authority(sites: Sequence[Site], tls: Tls) -> Certificates:
    hooks = Directory(HOOKS)
    made = [
        Certificate(
            site.name,
            site.domains,
            tls.directory,
            email=tls.email or "",
            webroot=ACME_WEBROOT,
            preflight=tls.preflight,
        )
        for site in sites
    ]
    packages = Packages("certbot", ("certbot",))
    renewal: list[Resource] = [
        packages,
        hooks,
        File(f"{HOOKS}/10-homeport-reload-nginx", render("certbot/reload-nginx.j2"), mode="0755"),
        Unit(
            "certbot.service.d/homeport.conf",
            render("certbot/service.conf.j2", webroot=ACME_WEBROOT),
        ),
        Service("certbot.timer", restart_on=(packages,)),
    ]
    return Certificates(
        before=[Directory(ACME_WEBROOT)],
        after=[*renewal, *made],
        key_pairs={
            each.label: KeyPair(each.chain, each.chain.replace("fullchain.pem", "privkey.pem"))
            for each in made
        },
        reload_on=made,
        webroot=ACME_WEBROOT,
    )


def _given(sites: Sequence[Site], given: GivenCertificate | None) -> Certificates:
    if given is None:
        raise ConfigurationError(
            'cannot use tls.method = "files": the certificate and its key were not read'
        )
    files = [
        File(f"{GIVEN}/fullchain.pem", given.chain),
        File(f"{GIVEN}/privkey.pem", given.key.reveal(), secret=True),
    ]
    pair = KeyPair(files[0].path, files[1].path)
    return Certificates(
        before=[Directory(GIVEN, mode="0700"), *files],
        key_pairs={site.name: pair for site in sites},
        reload_on=files,
    )


def _self_signed(sites: Sequence[Site]) -> Certificates:
    made = [SelfSigned(site.name, site.domains) for site in sites]
    return Certificates(
        before=made,
        key_pairs={each.label: KeyPair(each.chain, each.key) for each in made},
        reload_on=made,
    )
