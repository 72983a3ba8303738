"""nginx: its whole configuration, rendered for what the host's nginx and OpenSSL can do.

Two sets of files. The first needs no certificate and is live on port 80 before one is asked
for; the second, in a directory of its own, holds the servers on port 443.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence

from provisioning.agent.facts import Facts
from provisioning.render import render
from provisioning.resources import Absent, FileSet, Packages, Port, Resource, Service, Unit
from provisioning.roles.site import KeyPair, Site
from provisioning.roles.web_servers.capabilities import Capabilities

UNIT = "nginx.service"
ROOT = "/etc/nginx"
TEST = ("nginx", "-t", "-q")
WORKERS = "nginx: worker process"


def front(
    sites: Sequence[Site], facts: Facts, *, key_pairs: Mapping[str, KeyPair], webroot: str
) -> list[Resource]:
    """Return nginx and all that it says on port 80. See `WebServer.front`."""
    tls = bool(key_pairs)
    packages = Packages("nginx", ("nginx",))
    files = FileSet(
        "nginx",
        ROOT,
        _front_files(sites, facts, tls=tls, webroot=webroot),
        absent=_unwanted(tls=tls, webroot=webroot),
        validate=TEST,
    )
    sandbox = Unit("nginx.service.d/homeport.conf", render("nginx/service.conf.j2"))
    memory = Unit("nginx.service.d/homeport-memory.conf", render("nginx/service-memory.conf.j2"))
    return [
        Port(80, "nginx"),
        *([Port(443, "nginx")] if tls else []),
        packages,
        sandbox,
        memory,
        # A server whose certificate is gone would keep nginx from starting at all.
        *(
            Absent(f"{ROOT}/sites-tls/{name}.conf", unless=pair.certificate)
            for name, pair in key_pairs.items()
        ),
        files,
        Service("nginx", reload_on=(files,), restart_on=(packages, sandbox), workers=WORKERS),
    ]


def secure(
    sites: Sequence[Site],
    facts: Facts,
    *,
    key_pairs: Mapping[str, KeyPair],
    reload_on: Sequence[Resource],
    webroot: str,
) -> list[Resource]:
    """Return what nginx says on port 443. See `WebServer.secure`.

    Without HTTPS it is an empty set, which takes away what was there before.
    """
    can = Capabilities.of(facts)
    files = FileSet(
        "nginx-tls",
        ROOT,
        {
            f"sites-tls/{site.name}.conf": render(
                "nginx/site-tls.conf.j2",
                site=site,
                key_pair=key_pairs[site.name],
                can=can,
                ipv6=facts.ipv6,
                webroot=webroot,
            )
            for site in sites
            if site.name in key_pairs
        },
        absent=tuple(f"sites-tls/{site.name}.conf" for site in sites if site.name not in key_pairs),
        validate=TEST,
    )
    reloaded = Service("nginx", reload_on=(files, *reload_on), workers=WORKERS, label="nginx-tls")
    return [files, reloaded]


def without(app: str) -> list[Resource]:
    """Return what takes an app's site away. See `WebServer.without`."""
    files = FileSet(
        f"nginx-without-{app}",
        ROOT,
        {},
        absent=(f"sites-tls/{app}.conf", f"sites-enabled/{app}.conf", f"apps/{app}.conf"),
        validate=TEST,
    )
    label = f"nginx-without-{app}"
    return [files, Service("nginx", reload_on=(files,), workers=WORKERS, label=label)]


def _unwanted(*, tls: bool, webroot: str) -> tuple[str, ...]:
    """Return the files that only other settings need, here or in another project on the host."""
    unwanted = () if tls else ("conf.d/tls.conf",)
    return unwanted if webroot else (*unwanted, "homeport/acme.conf")


def _front_files(sites: Sequence[Site], facts: Facts, *, tls: bool, webroot: str) -> dict[str, str]:
    can = Capabilities.of(facts)
    page = render("nginx/homeport/unavailable.html.j2")
    files = {
        "nginx.conf": render("nginx/nginx.conf.j2"),
        "conf.d/headers.conf": render("nginx/conf.d/headers.conf.j2", sites=sites),
        "conf.d/limits.conf": render("nginx/conf.d/limits.conf.j2", sites=sites),
        "conf.d/logs.conf": render("nginx/conf.d/logs.conf.j2"),
        "conf.d/proxy.conf": render("nginx/conf.d/proxy.conf.j2"),
        "homeport/headers.conf": render("nginx/homeport/headers.conf.j2"),
        "homeport/proxy.conf": render("nginx/homeport/proxy.conf.j2"),
        "homeport/unavailable.html": page,
        # No app's name starts with a digit.
        "sites-enabled/00-default.conf": render(
            "nginx/default.conf.j2", can=can, ipv6=facts.ipv6, tls=tls
        ),
    }
    if tls:
        files["conf.d/tls.conf"] = render("nginx/conf.d/tls.conf.j2", can=can)
    for site in sites if webroot else ():
        files[f"homeport/{site.challenges}.conf"] = render(
            "nginx/homeport/acme.conf.j2", webroot=webroot, site=site
        )
    for site in sites:
        files[f"sites-enabled/{site.name}.conf"] = render(
            "nginx/site.conf.j2", site=site, can=can, ipv6=facts.ipv6, tls=tls, webroot=webroot
        )
        files[f"apps/{site.name}.conf"] = render(
            "nginx/app.conf.j2", site=site, page_style=_style_source(page)
        )
    return files


def _style_source(page: str) -> str:
    """Return how a Content-Security-Policy permits exactly this page's style.

    Source: https://www.w3.org/TR/CSP3/#grammardef-hash-source
    """
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    digest = hashlib.sha256((style[1] if style else "").encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"
