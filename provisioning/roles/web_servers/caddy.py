"""Caddy: its whole configuration, and certificates by its own ACME client.

Two sets of files, as with nginx: what is said on port 80, where an authority asks, and what is said
on port 443. Caddy reads keys as its own user, not as root.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from urllib.parse import urlsplit

from provisioning.agent.facts import Facts
from provisioning.agent.layout import ACME_WEBROOT, AppLayout
from provisioning.inventory.types.units import Size
from provisioning.render import render
from provisioning.resources import (
    Absent,
    Command,
    Directory,
    File,
    FileSet,
    Packages,
    Port,
    Preflight,
    Resource,
    RetiredServer,
    ServedCertificates,
    Service,
    Unit,
)
from provisioning.roles.site import KeyPair, Mount, Site, Snippet
from provisioning.roles.web_servers.style import style_source

UNIT = "caddy.service"
LOGS = "journalctl -u caddy"
BRINGS_CERTIFICATES = True
KEY_READERS = "caddy"
CHALLENGES = "127.0.0.1:580"
"""Below 1024: no app can listen there in Caddy's place."""
ETAG = re.compile(r'(W/)?"[0-9a-z]{7,14}"')
"""A file's time and size to the base of 36. Source: Caddy 2.6, fileserver, calculateEtag."""

ROOT = "/etc/caddy"
STORAGE = "/var/lib/caddy"
"""The home of Debian's user caddy: its account with the authority, keys and certificates."""

TEST = (
    *("runuser", "-u", "caddy", "--", "env", f"HOME={STORAGE}"),
    *("caddy", "validate", "--adapter", "caddyfile", "--config", f"{ROOT}/Caddyfile"),
)
"""As the user as which it runs: as root it would read keys that Caddy itself cannot."""

LOOPBACK = ("127.0.0.0/8", "::1/128")
"""The host itself, which requests its site after each deploy."""

DROP_INS = ("caddy.service.d/homeport.conf", "caddy.service.d/homeport-memory.conf")
MAINTENANCE = "homeport/maintenance"
IN_ADVANCE = f"{ROOT}/homeport-in-advance"
IN_ADVANCE_S = 120


def installed(until: Sequence[str]) -> list[Resource]:
    """Return the package, whose user reads keys. See `WebServer.installed`."""
    # Debian's package would start it at once, with its own page on port 80.
    return [Packages("caddy", ("caddy",), unstarted=(UNIT,))]


def front(
    sites: Sequence[Site],
    facts: Facts,
    *,
    key_pairs: Mapping[str, KeyPair],
    webroot: str,
    until: Sequence[str] = (),
) -> list[Resource]:
    """Return Caddy and all that it says on port 80. See `WebServer.front`."""
    tls = _has_https(sites, key_pairs)
    ports = (80, 443) if tls else (80,)
    sandbox = [
        Unit(DROP_INS[0], render("caddy/service.conf.j2")),
        Unit(DROP_INS[1], render("caddy/service-memory.conf.j2")),
    ]
    wanted = _front_files(sites, tls=tls, webroot=webroot)
    files = FileSet("caddy", ROOT, wanted, absent=_unwanted(sites, wanted), validate=TEST)
    return [
        *(Port(port, "caddy", unit=UNIT, until=tuple(until)) for port in ports),
        *sandbox,
        # A site whose certificate is gone would keep Caddy from starting at all.
        *(
            Absent(f"{ROOT}/{_tls_file(name)}", unless=pair.certificate)
            for name, pair in key_pairs.items()
        ),
        files,
        # For `maintenance`, which may come when there is nothing else.
        Directory(f"{ROOT}/{MAINTENANCE}"),
        Service("caddy", reload_on=(files,), restart_on=tuple(sandbox[:1])),
    ]


def secure(
    sites: Sequence[Site],
    facts: Facts,
    *,
    key_pairs: Mapping[str, KeyPair],
    reload_on: Sequence[Resource],
    webroot: str,
) -> list[Resource]:
    """Return what Caddy says on port 443. See `WebServer.secure`."""
    tls = _has_https(sites, key_pairs)
    wanted = {_tls_file(site.name): _site_tls(site, key_pairs) for site in sites if tls}
    if tls:
        wanted[_tls_file("00-default")] = render("caddy/default-tls.j2")
    every = [_tls_file(name) for site in sites for name in (site.name, *site.former)]
    absent = [path for path in (*every, _tls_file("00-default")) if path not in wanted]
    files = FileSet("caddy-tls", ROOT, wanted, absent=tuple(absent), validate=TEST)
    return [
        *_preflights(sites),
        files,
        Service("caddy", reload_on=(files, *reload_on), label="caddy-tls"),
        *(ServedCertificates(site.name, site.names, UNIT) for site in sites if site.authority),
    ]


def _has_https(sites: Sequence[Site], key_pairs: Mapping[str, KeyPair]) -> bool:
    return bool(key_pairs) or any(site.authority for site in sites)


def _preflights(sites: Sequence[Site]) -> Iterator[Resource]:
    for site in sites:
        if site.authority and site.authority.preflight:
            yield Preflight(site.name, site.names, site.authority.directory)


def _site_tls(site: Site, key_pairs: Mapping[str, KeyPair]) -> str:
    return render("caddy/site-tls.j2", site=site, key_pair=key_pairs.get(site.name))


def without(app: str, *, sites: Sequence[str], is_last: bool) -> list[Resource]:
    """Return what takes an app away. See `WebServer.without`."""
    label = f"caddy-without-{app}"
    absent = tuple(path for name in (app, *sites) for path in (*_files_of(name), _tls_file(name)))
    if is_last:
        absent += (_tls_file("00-default"),)
    files = FileSet(label, ROOT, {}, absent=absent, validate=TEST)
    return [files, Service("caddy", reload_on=(files,), label=label)]


def snippet_mistakes(snippet: Snippet) -> Iterable[str]:
    """Return nothing: an inventory with one is refused. See `WebServer.snippet_mistakes`."""
    return ()


def maintenance(app: str, allowed: Sequence[str] | None) -> list[Resource]:
    """Return what turns visitors away, or lets them in again. See `WebServer.maintenance`.

    The app's own file says only that it is so: Caddy's user may not list the folder, as a pattern
    would have to.
    """
    path, mark = f"{ROOT}/{_maintenance(app)}", AppLayout(app).maintenance
    label = f"caddy-maintenance-{app}"
    if allowed is None:
        gone = Absent(path)
        return [gone, Service("caddy", reload_on=(gone,), label=label), Absent(mark)]
    networks = dict.fromkeys((*LOOPBACK, *allowed))
    file = File(path, render("caddy/maintenance.j2", app=app, networks=networks))
    marked = File(mark, render("caddy/maintenance-mark.j2", app=app))
    return [file, Service("caddy", reload_on=(file,), label=label), marked]


def is_alone(facts: Facts) -> bool:
    """Return True: a Caddyfile of others is refused. See `WebServer.is_alone`."""
    return True


def passing_challenges(sites: Sequence[Site], to: str) -> list[Resource]:
    """Return nothing: no successor gets certificates itself. See `WebServer.passing_challenges`."""
    return []


def in_advance(sites: Sequence[Site]) -> list[Resource]:
    """Return what gets the first certificates, by a Caddy without public ports.

    See `WebServer.in_advance`.
    """
    port = int(CHALLENGES.rpartition(":")[2])
    text = render("caddy/in-advance.j2", sites=sites, storage=STORAGE, port=port)
    file = File(IN_ADVANCE, text)
    paths = [
        f"{STORAGE}/certificates/{_authority_folder(site.authority.directory)}/{name}/{name}.crt"
        for site in sites
        if site.authority
        for name in site.names
    ]
    there = " && ".join(f"openssl x509 -noout -checkend 86400 -in {path}" for path in paths)
    script = (
        f"caddy run --adapter caddyfile --config {IN_ADVANCE} & "
        f"for i in $(seq {IN_ADVANCE_S * 5}); do "
        f"if {there}; then kill $!; wait $!; exit 0; fi; "
        "kill -0 $! || exit 1; sleep 0.2; done 2>/dev/null; kill $!; exit 1"
    )
    asked = Command(
        "caddy-in-advance",
        (
            *("systemd-run", "--quiet", "--collect", "--wait", "--pipe", "--unit=caddy-in-advance"),
            *("--property=User=caddy", "--property=Group=caddy"),
            *("--property=AmbientCapabilities=CAP_NET_BIND_SERVICE", "--property=PrivateTmp=yes"),
            *("--property=ProtectSystem=strict", f"--property=ReadWritePaths={STORAGE}"),
            *(f"--setenv=HOME={STORAGE}", "/bin/sh", "-c", script.replace("$", "$$")),
        ),
        unless=("runuser", "-u", "caddy", "--", "sh", "-c", f"{there} >/dev/null 2>&1"),
        timeout_s=IN_ADVANCE_S * 2,
    )
    return [file, asked, Absent(IN_ADVANCE)]


def _authority_folder(directory: str) -> str:
    """Return where Caddy keeps an authority's certificates.

    Source: certmagic 0.17, ACMEIssuer.issuerKey and KeyBuilder.Safe.
    """
    parts = urlsplit(directory)
    path = parts.path.strip("/").replace("/", "-")
    return f"{parts.netloc}{'-' + path if path else ''}".lower().replace(":", "-")


def gone(sites: Sequence[Site], facts: Facts) -> list[Resource]:
    """Return what removes Caddy's files; its account and certificates stay in its home.

    See `WebServer.gone`.
    """
    made = {*_front_files(sites, tls=True, webroot=""), _tls_file("00-default")}
    for site in sites:
        for name in (site.name, *site.former, *(mount.name for mount in site.mounts)):
            made.update((*_files_of(name), _tls_file(name)))
    apps = tuple(mount.name for site in sites for mount in site.mounts)
    files = FileSet("caddy-gone", ROOT, {}, absent=tuple(sorted(made)))
    return [files, RetiredServer(UNIT, apps, drop_ins=DROP_INS)]


def _front_files(sites: Sequence[Site], *, tls: bool, webroot: str) -> dict[str, str]:
    page = render("nginx/homeport/unavailable.html.j2")
    files = {
        "Caddyfile": render(
            "caddy/Caddyfile.j2",
            storage=STORAGE,
            webroot=ACME_WEBROOT,
            page_style=style_source(page),
        ),
        "homeport/unavailable.html": page,
    }
    for site in sites:
        files[f"homeport/sites/{site.name}.caddy"] = render(
            "caddy/site.j2", site=site, tls=tls, webroot=webroot
        )
        mounts = _longest_first(site.mounts)
        files[f"homeport/apps/{site.name}.caddy"] = render(
            "caddy/app.j2",
            site=site,
            mounts=mounts,
            scheme="https" if tls else "http",
            max_body=_max_body,
        )
        for mount in mounts:
            if mount.health_any_host:
                files[f"homeport/probes/{mount.name}.caddy"] = render(
                    "caddy/probed.j2", site=site, mount=mount, max_body=_max_body
                )
        for mount in mounts if site.is_shared else ():
            files[f"homeport/apps/{mount.name}.caddy"] = render(
                "caddy/mount-file.j2", site=site, mount=mount, max_body=_max_body
            )
    return files


def _longest_first(mounts: Sequence[Mount]) -> list[Mount]:
    """Return mounts so that the first whose prefix fits is the one that is meant."""
    return sorted(mounts, key=lambda mount: -len(mount.prefix))


def _max_body(mount: Mount) -> int:
    """Return the size of the largest body in bytes: Caddy's units are not nginx's."""
    return Size.parse(mount.max_body).size_bytes


def _files_of(name: str) -> tuple[str, ...]:
    """Return all files that an app or a site may have on port 80."""
    return (
        f"homeport/sites/{name}.caddy",
        f"homeport/apps/{name}.caddy",
        f"homeport/probes/{name}.caddy",
        _maintenance(name),
    )


def _maintenance(app: str) -> str:
    return f"{MAINTENANCE}/{app}.caddy"


def _tls_file(name: str) -> str:
    return f"homeport/sites-tls/{name}.caddy"


def _unwanted(sites: Sequence[Site], wanted: Mapping[str, str]) -> tuple[str, ...]:
    """Return the files that other settings need, and those that sites had under other names."""
    every = [
        path
        for site in sites
        for name in dict.fromkeys((site.name, *site.former, *(each.name for each in site.mounts)))
        for path in _files_of(name)[:-1]
    ]
    return tuple(path for path in every if path not in wanted)
