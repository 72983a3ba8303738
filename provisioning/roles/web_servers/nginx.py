"""nginx: its whole configuration, rendered for what the host's nginx and OpenSSL can do.

Two sets of files. The first needs no certificate and is live on port 80 before one is asked
for; the second, in a directory of its own, holds the servers on port 443.

Where nginx serves others too, nginx.conf stays theirs, and nothing of ours says anything for their
servers: docs/hosts-in-use.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from provisioning.agent.facts import Facts, version_tuple
from provisioning.agent.layout import ACME_WEBROOT, WEB_USER, AppLayout
from provisioning.agent.nginx.conf import ENTRIES
from provisioning.agent.nginx.facts import NOWHERE
from provisioning.render import copied, render
from provisioning.resources import (
    Absent,
    Directory,
    File,
    FileSet,
    Neighbours,
    Packages,
    Port,
    Resource,
    RetiredServer,
    Service,
    Tmpfiles,
    Unit,
)
from provisioning.roles.site import KeyPair, Mount, Site, Snippet
from provisioning.roles.web_servers import snippets
from provisioning.roles.web_servers.capabilities import Capabilities
from provisioning.roles.web_servers.listens import Listens
from provisioning.roles.web_servers.sha512_crypt import salt_of, sha512_crypt
from provisioning.roles.web_servers.style import style_source

UNIT = "nginx.service"
ROOT = "/etc/nginx"
TEST = ("nginx", "-t", "-q")
LOGS = "/var/log/nginx/"
BRINGS_CERTIFICATES = False
KEY_READERS = "root"
CHALLENGES = ""
ETAG = re.compile(r'(W/)?"[0-9a-f]+-[0-9a-f]+"')
"""A file's time and size in hexadecimal. Source: nginx, ngx_http_set_etag."""

WORKERS = "nginx: worker process"
"""What a worker calls itself while it takes connections; a leaving one adds that it shuts down.

Source: ngx_setproctitle() in nginx's ngx_process_cycle.c.
"""

PASSWORDS = "homeport/passwords"
"""Below ROOT: a file for each app that asks for passwords."""

CLIENT_CA = "homeport/client-ca"
"""Below ROOT: a file for each site whose visitors show certificates."""

ASKING = "homeport/tls-asking.conf"
"""Below ROOT: homeport/tls.conf for sites that ask visitors for certificates."""

LOOPBACK = ("127.0.0.0/8", "::1/128")
"""The host itself, which requests its site after each deploy."""

DROP_INS = ("nginx.service.d/homeport.conf", "nginx.service.d/homeport-memory.conf")

EARLIER = (
    "conf.d/headers.conf",
    "conf.d/limits.conf",
    "conf.d/logs.conf",
    "conf.d/proxy.conf",
    "conf.d/tls.conf",
    "sites-enabled/00-default.conf",
)
"""Files of an earlier Homeport that are not needed any more."""

ACCESS_LOG = "/var/log/nginx/access.log"
"""Debian's own, so that its rights hold."""

ACCESS_LOG_BESIDE = "/var/log/nginx/homeport-access.log"
"""Where others' servers write to Debian's own, in a format of theirs."""

PROTOCOLS_OF_EACH = (1, 29, 2)
"""From it on each server has its own ssl_protocols. Source: https://nginx.org/en/CHANGES"""


def installed(until: Sequence[str]) -> list[Resource]:
    """Return nothing: its master reads keys as root. See `WebServer.installed`."""
    return []


def front(
    sites: Sequence[Site],
    facts: Facts,
    *,
    key_pairs: Mapping[str, KeyPair],
    webroot: str,
    until: Sequence[str] = (),
) -> list[Resource]:
    """Return nginx and all that it says on port 80. See `WebServer.front`."""
    tls = bool(key_pairs)
    ports = (80, 443) if tls else (80,)
    # Source: Debian's nginx-common.postinst: others may serve that directory.
    page = "/var/www/html/index.nginx-debian.html"
    packages = Packages("nginx", ("nginx",), unasked=(page,), unstarted=(UNIT,) if until else ())
    wanted = _front_files(sites, facts, tls=tls, webroot=webroot)
    files = FileSet(
        "nginx",
        ROOT,
        wanted,
        absent=_unwanted(sites, wanted),
        validate=TEST,
    )
    sandbox = [] if facts.nginx_beside else _sandbox()
    # Others' sites would be without an answer while it restarts.
    restart_on = [] if facts.nginx_beside else [packages, *sandbox[:1]]
    # Also where another's package has its temporary files elsewhere: see nginx.conf.
    temporary = [] if facts.nginx_beside else [Directory("/var/lib/nginx")]
    # nginx itself would make it readable for everybody. Beside Debian's own, as that is.
    log = f"f {ACCESS_LOG_BESIDE} 0640 www-data adm\n"
    logs = [Tmpfiles("homeport-nginx", log)] if facts.nginx_beside else []
    return [
        *(Port(port, "nginx", unit=UNIT, until=tuple(until)) for port in ports),
        _neighbours(sites, facts, ports, files),
        # Before the package, which has it so too: what a check says is then what a run does.
        *temporary,
        packages,
        *_brotli(facts),
        *sandbox,
        *logs,
        # Before the files that name them.
        *_password_files(sites),
        # A server whose certificate is gone would keep nginx from starting at all.
        *(
            Absent(f"{ROOT}/sites-tls/{name}.conf", unless=pair.certificate)
            for name, pair in key_pairs.items()
        ),
        files,
        Service("nginx", reload_on=(files,), restart_on=tuple(restart_on), workers=WORKERS),
    ]


def _brotli(facts: Facts) -> list[Packages]:
    """Return what compresses static files with brotli, where nginx can serve these."""
    return [Packages("brotli", ("brotli",))] if facts.nginx_brotli else []


def _sandbox() -> list[Unit]:
    """Return the drop-ins of nginx's unit, the one that it must be restarted for first.

    Not where nginx serves others: they may have documents below /home, sockets and logs anywhere.
    """
    return [
        Unit(DROP_INS[0], render("nginx/service.conf.j2")),
        Unit(DROP_INS[1], render("nginx/service-memory.conf.j2")),
    ]


def _neighbours(
    sites: Sequence[Site], facts: Facts, ports: tuple[int, ...], files: FileSet
) -> Neighbours:
    """Return the check for what others serve; where they do, with our files, to be tested early."""
    names = {domain: f"homeport/sites/{site.name}.conf" for site in sites for domain in site.names}
    if not facts.nginx_beside:
        return Neighbours("nginx", names, ports)
    return Neighbours(
        "nginx",
        names,
        ports,
        entry=facts.nginx_beside,
        files=files.files,
        absent=files.absent,
        validate=TEST,
        notes=tuple(_notes(facts)),
    )


def _notes(facts: Facts) -> Iterator[str]:
    """Yield what does not hold for our sites, since nginx serves others too."""
    yield (
        "nginx serves other sites on this host: nginx.conf and nginx.service stay as they are, "
        "without the sandbox and the limits that Homeport sets for an nginx that serves only its "
        "sites: docs/hosts-in-use.md"
    )
    taken = {word.removesuffix("v6") for word in facts.nginx_taken.split()}
    if taken:
        held = ["client_header_timeout", "large_client_header_buffers"]
        if "443" in taken:
            held.append("http2_max_concurrent_streams")
            old = version_tuple(facts.nginx) < PROTOCOLS_OF_EACH
            held += ["ssl_protocols", "HTTP/2"] if old else []
        yield (
            "another site has the default server of port "
            f"{' and '.join(sorted(taken, key=int))}: nginx applies its settings to Homeport's "
            f"sites too: {', '.join(held)}"
        )
    listens = Listens.of(facts, Capabilities.of(facts))
    if facts.ipv6 and not all(listens.ipv6(port) for port in (80, 443)):
        closed = " and ".join(str(port) for port in (80, 443) if not listens.ipv6(port))
        yield (
            f"other sites listen on port {closed} over IPv4 only, and so do Homeport's: the port "
            "does not answer over IPv6"
        )


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
    served = [site for site in sites if site.name in key_pairs]
    wanted = _tls_files(served, facts, key_pairs, webroot)
    possible = [ASKING] + [
        path
        for site in sites
        for name in (site.name, *site.former)
        for path in (f"sites-tls/{name}.conf", f"{CLIENT_CA}/{name}.pem")
    ]
    absent = tuple(path for path in possible if path not in wanted)
    files = FileSet("nginx-tls", ROOT, wanted, absent=absent, validate=TEST)
    reloaded = Service("nginx", reload_on=(files, *reload_on), workers=WORKERS, label="nginx-tls")
    return [files, reloaded]


def _tls_files(
    sites: Sequence[Site], facts: Facts, key_pairs: Mapping[str, KeyPair], webroot: str
) -> dict[str, str]:
    """Return the servers on port 443, and the authorities for their visitors' certificates."""
    can = Capabilities.of(facts)
    files = {
        f"sites-tls/{site.name}.conf": render(
            "nginx/site-tls.conf.j2",
            site=site,
            key_pair=key_pairs[site.name],
            can=can,
            listens=Listens.of(facts, can),
            webroot=webroot,
        )
        for site in sites
    }
    asking = {f"{CLIENT_CA}/{site.name}.pem": site.client_ca for site in sites if site.client_ca}
    if asking:
        asking[ASKING] = render("nginx/homeport/tls.conf.j2", can=can, verify="optional")
    return {**files, **asking}


def without(app: str, *, sites: Sequence[str], is_last: bool) -> list[Resource]:
    """Return what takes an app away. See `WebServer.without`."""
    label = f"nginx-without-{app}"
    absent = tuple(path for name in (app, *sites) for path in _all_files_of(name)) + _earlier_of(
        app
    )
    if is_last:
        # By these alone another's nginx.conf reads anything of ours.
        absent += tuple(each.removeprefix(f"{ROOT}/") for each in ENTRIES)
    files = FileSet(label, ROOT, {}, absent=absent, validate=TEST)
    return [files, Service("nginx", reload_on=(files,), workers=WORKERS, label=label)]


def is_alone(facts: Facts) -> bool:
    """Return whether nginx.conf is Homeport's. See `WebServer.is_alone`."""
    return not facts.nginx_beside


def passing_challenges(sites: Sequence[Site], to: str) -> list[Resource]:
    """Return what has nginx pass on challenges. See `WebServer.passing_challenges`."""
    [site] = (replace(each, peers=()) for each in sites[:1])
    acme = render("nginx/homeport/acme.conf.j2", webroot=ACME_WEBROOT, site=site, successor=to)
    files = FileSet("nginx-challenges", ROOT, {"homeport/acme.conf": acme}, validate=TEST)
    return [
        files,
        Service("nginx", reload_on=(files,), workers=WORKERS, label="nginx-challenges"),
    ]


def in_advance(sites: Sequence[Site]) -> list[Resource]:
    """Return nothing: what certbot needs, any server answers. See `WebServer.in_advance`."""
    return []


def gone(sites: Sequence[Site], facts: Facts) -> list[Resource]:
    """Return what removes nginx's files. See `WebServer.gone`."""
    made = {*_front_files(sites, facts, tls=True, webroot=ACME_WEBROOT), *EARLIER}
    made.update(("homeport/sites/00-default-tls.conf", ASKING))
    for site in sites:
        for name in (site.name, *site.former, *(mount.name for mount in site.mounts)):
            made.update((*_all_files_of(name), f"{PASSWORDS}/{name}", *_earlier_of(name)))
    apps = tuple(mount.name for site in sites for mount in site.mounts)
    files = FileSet("nginx-gone", ROOT, {}, absent=tuple(sorted(made)))
    return [files, RetiredServer(UNIT, apps, drop_ins=DROP_INS)]


def maintenance(app: str, allowed: Sequence[str] | None) -> list[Resource]:
    """Return what turns visitors away, or lets them in again. See `WebServer.maintenance`.

    Page and exceptions stand in one file, so that one reload makes both true at once.
    """
    path = AppLayout(app).maintenance
    if allowed is None:
        file: Resource = Absent(path)
    else:
        networks = dict.fromkeys((*LOOPBACK, *allowed))
        file = File(path, render("nginx/maintenance.conf.j2", app=app, networks=networks))
    # What is taken back of this service before the file changes makes sure of the reload,
    # also when a run is cut off between the two.
    return [
        file,
        Service("nginx", reload_on=(file,), workers=WORKERS, label=f"nginx-maintenance-{app}"),
    ]


def _files_of(name: str) -> tuple[str, ...]:
    """Return all files that an app or a site may have, apart from those of port 443."""
    return (
        f"homeport/sites/{name}.conf",
        f"homeport/acme-{name}.conf",
        f"homeport/redirects/{name}.conf",
        f"apps/{name}.conf",
        f"{PASSWORDS}/{name}",
        f"homeport/snippets/{name}.conf",
        f"homeport/probes/{name}.conf",
    )


def _all_files_of(name: str) -> tuple[str, ...]:
    """Return also those that go with its server on port 443, not before."""
    return (f"sites-tls/{name}.conf", f"{CLIENT_CA}/{name}.pem", *_files_of(name))


def _earlier_of(app: str) -> tuple[str, ...]:
    return (f"sites-enabled/{app}.conf",)


def _unwanted(sites: Sequence[Site], wanted: Mapping[str, str]) -> tuple[str, ...]:
    """Return the files that other settings or projects need, and those of an earlier Homeport.

    Each goes when no project on the host wants it any more.
    """
    of_settings = ("homeport/sites/00-default-tls.conf",)
    entries = tuple(each.removeprefix(f"{ROOT}/") for each in ENTRIES)
    names = (
        name
        for site in sites
        for name in dict.fromkeys((site.name, *site.former, *(each.name for each in site.mounts)))
    )
    of_sites = [path for name in names for path in (*_files_of(name), *_earlier_of(name))]
    every = (*EARLIER, *of_settings, *entries, *of_sites)
    kept = {f"{PASSWORDS}/{mount.name}" for mount in _with_passwords(sites)}
    return tuple(path for path in every if path not in wanted and path not in kept)


def _front_files(sites: Sequence[Site], facts: Facts, *, tls: bool, webroot: str) -> dict[str, str]:
    can = Capabilities.of(facts)
    listens = Listens.of(facts, can)
    page = render("nginx/homeport/unavailable.html.j2")
    access_log = ACCESS_LOG_BESIDE if facts.nginx_beside else ACCESS_LOG
    # The same for every project on a host: whose sites there are stands in files of their own.
    shared = ("http/headers", "http/limits", "http/logs", "http/media", "http/proxy", "headers")
    files = {
        **_main_file(facts),
        **{f"homeport/{name}.conf": render(f"nginx/homeport/{name}.conf.j2") for name in shared},
        "homeport/server.conf": render("nginx/homeport/server.conf.j2", access_log=access_log),
        "homeport/tls.conf": render("nginx/homeport/tls.conf.j2", can=can, verify="off"),
        **_proxy_files(),
        "homeport/unavailable.html": page,
    }
    if listens.is_default(80) or listens.is_default(80, ipv6=True):
        # No app's name starts with a digit.
        files["homeport/sites/00-default.conf"] = render("nginx/default.conf.j2", listens=listens)
    if tls and (listens.is_default(443) or listens.is_default(443, ipv6=True)):
        files["homeport/sites/00-default-tls.conf"] = render(
            "nginx/default-tls.conf.j2", can=can, listens=listens
        )
    # Also without an authority: apps that are on the host and not in the inventory may have one.
    for site in (*(sites if webroot else ()), *(replace(each, peers=()) for each in sites[:1])):
        files[f"homeport/{site.challenges}.conf"] = render(
            "nginx/homeport/acme.conf.j2", webroot=ACME_WEBROOT, site=site, successor=""
        )
    for snippet, mount in ((each.snippet, each) for site in sites for each in site.mounts):
        if snippet:
            files[f"homeport/snippets/{mount.name}.conf"] = _copy(snippet)
    for site in sites:
        files.update(_site_files(site, can, listens, tls=tls, webroot=webroot))
        for mount in site.mounts:
            if mount.health_any_host:
                files[f"homeport/probes/{mount.name}.conf"] = render(
                    "nginx/probed.conf.j2", site=site, mount=mount
                )
        for mount in site.mounts if site.is_shared else ():
            files[f"homeport/sites/{mount.name}.conf"] = render(
                "nginx/mount-http.conf.j2", site=site, mount=mount, can=can
            )
            files[f"apps/{mount.name}.conf"] = render(
                "nginx/mount.conf.j2", site=site, mount=mount, can=can, access_log=access_log
            )
        files[f"apps/{site.name}.conf"] = render(
            "nginx/app.conf.j2",
            site=site,
            can=can,
            page_style=style_source(page),
            access_log=access_log,
        )
    return files


def _proxy_files() -> dict[str, str]:
    """Return how requests are passed on, and how probes of health paths are."""
    return {
        f"homeport/{name}.conf": render("nginx/homeport/proxy.conf.j2", is_probe=name == "probe")
        for name in ("proxy", "probe")
    }


def _site_files(
    site: Site, can: Capabilities, listens: Listens, *, tls: bool, webroot: str
) -> dict[str, str]:
    """Return the servers of a site on port 80, and what they answer for names that redirect."""
    files = {
        f"homeport/sites/{site.name}.conf": render(
            "nginx/site.conf.j2", site=site, can=can, listens=listens, tls=tls, webroot=webroot
        )
    }
    if site.redirects:
        files[f"homeport/redirects/{site.name}.conf"] = render("nginx/redirect.conf.j2", site=site)
    return files


def snippet_mistakes(snippet: Snippet) -> Iterable[str]:
    """Return what is wrong with a person's directives. See `WebServer.snippet_mistakes`."""
    return snippets.mistakes(snippet)


def _copy(snippet: Snippet) -> str:
    """Return what is on the host, line by line as the person has it."""
    end = "" if snippet.text.endswith("\n") else "\n"
    note = f"# A copy of {snippet.path}; an edit by hand is undone by the next provision.\n"
    return copied(f"{snippet.text}{end}{note}", snippet.path)


def _with_passwords(sites: Sequence[Site]) -> list[Mount]:
    return [mount for site in sites for mount in site.mounts if mount.users]


def _password_files(sites: Sequence[Site]) -> list[Resource]:
    """Return the hashes of passwords, for nginx's workers and nobody else."""
    asking = _with_passwords(sites)
    folder = Directory(f"{ROOT}/{PASSWORDS}", mode="0750", group=WEB_USER)
    files = [
        File(
            f"{folder.path}/{mount.name}",
            render(
                "nginx/passwords.j2",
                hashes={
                    user: sha512_crypt(password.reveal(), salt_of(mount.name, user))
                    for user, password in mount.users.items()
                },
            ),
            mode="0640",
            group=WEB_USER,
            secret=True,
        )
        for mount in asking
    ]
    return [folder, *files] if files else []


def _main_file(facts: Facts) -> dict[str, str]:
    """Return nginx.conf, or where it is another's the file by which it reads our sites."""
    if not facts.nginx_beside:
        return {"nginx.conf": render("nginx/nginx.conf.j2")}
    # Nowhere: it is refused before it is written.
    entry = ENTRIES[-1] if facts.nginx_beside == NOWHERE else facts.nginx_beside
    return {entry.removeprefix(f"{ROOT}/"): render("nginx/beside.conf.j2")}
