"""Where web and app servers meet: an app server gives an Upstream, a web server takes a Site."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from provisioning.agent.layout import AppLayout
from provisioning.inventory.models.app import App
from provisioning.inventory.models.tls import Tls
from provisioning.roles.site_headers import SiteHeaders
from provisioning.secrets import Secret

STRICT_CSP = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "media-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
"""Source: MDN HTTP Observatory, content-security-policy: what earns its full credit."""


@dataclass(frozen=True)
class Snippet:
    """What a person adds to an app's part of a site, in the web server's language.

    Args:
        path: The person's file, as messages name it.
        text: What it says.
    """

    path: str
    text: str


@dataclass(frozen=True)
class Given:
    """What the inventory only points to, read on the controller.

    Args:
        users: Names and passwords of those who may see the app; empty: everybody may.
        snippet: What the person adds.
        client_ca: Certificates of authorities for visitors, as PEM, or "".
    """

    users: Mapping[str, Secret] = field(default_factory=dict)
    snippet: Snippet | None = None
    client_ca: str = ""


@dataclass(frozen=True)
class Upstream:
    """Where an app answers.

    Args:
        socket: Path of the unix socket; a link, followed anew for each request.
        timeout_s: Seconds that the app server lets a worker be silent.
        stream_quiet_s: Seconds that a stream may be silent.
        recognises_streams: Whether what a visitor calls a stream is one, at any path.
    """

    socket: str
    timeout_s: int
    stream_quiet_s: int
    recognises_streams: bool = False


@dataclass(frozen=True)
class KeyPair:
    """A certificate and its key: paths on the host.

    Args:
        certificate: With its chain, as PEM.
        key: As PEM.
    """

    certificate: str
    key: str


@dataclass(frozen=True)
class Authority:
    """Where a web server that gets certificates itself asks for them.

    Args:
        directory: URL of the ACME directory.
        email: Where the authority may write to, or "".
        preflight: Whether the host looks first whether it reaches itself under new names.
    """

    directory: str
    email: str
    preflight: bool


@dataclass(frozen=True)
class ServedFolder:
    """A folder of what an app writes, served as files.

    Args:
        url: URL folder.
        folder: On the host.
        internal: Whether only the app can send visitors there.
    """

    url: str
    folder: str
    internal: bool


@dataclass(frozen=True)
class PathLimit:
    """How often one visitor may ask for a path.

    Args:
        path: URL path; with a slash at the end: all below.
        rate: "5r/m".
        burst: Requests above the rate that are answered at once.
    """

    path: str
    rate: str
    burst: int


@dataclass(frozen=True)
class Mount:
    """An app as a web server serves it: all of a site, or what is below a path of it.

    Args:
        name: The app's name.
        prefix: The path below which it is, with a slash at both ends.
        upstream: Where the app answers.
        health: URL path that says whether the app can serve.
        health_from: Networks whose probes of it are no visits, besides the host itself.
        health_any_host: Whether these are answered under any name, on port 80.
        static: URL folders that are served from below `static_root`.
        media: Folders of what the app writes that are served.
        root: The app's directory on the host, which is root's.
        static_root: Directory on the host, laid out by URL path.
        static_max_age_s: Seconds that browsers keep a static file with a plain name.
        rate: Requests for one visitor, "20r/s"; "" is no limit.
        burst: Requests above the rate that are answered at once.
        connections: Requests of one visitor at the same time; 0 is no limit.
        limits: Rates of single URL paths in addition; with a slash at the end: of all below.
        streams: URL paths of streams; with a slash at the end: all below.
        dot_paths: URL paths that are open although a part of them begins with a dot; likewise.
        max_body: Largest request body, "10m".
        csp: Content-Security-Policy where the app sends none, or "".
        csp_report_only: Whether browsers only report what `csp` would forbid.
        maintenance: File that is there in maintenance: it says who is turned away.
        users: Names and passwords of those who may see it; empty: everybody may.
        excepted: URL paths at which no password is asked; with a slash at the end: all below.
        snippet: What the person adds, in the web server's language.
        headers: What differs from the headers that all answers get.
    """

    name: str
    prefix: str
    upstream: Upstream
    health: str
    health_from: tuple[str, ...]
    health_any_host: bool
    static: tuple[str, ...]
    media: tuple[ServedFolder, ...]
    root: str
    static_root: str
    static_max_age_s: int
    rate: str
    burst: int
    connections: int
    limits: tuple[PathLimit, ...]
    streams: tuple[str, ...]
    dot_paths: tuple[str, ...]
    max_body: str
    csp: str
    csp_report_only: bool
    maintenance: str
    users: Mapping[str, Secret] = field(default_factory=dict)
    excepted: tuple[str, ...] = ()
    snippet: Snippet | None = None
    headers: SiteHeaders = field(default_factory=SiteHeaders)

    @property
    def open_paths(self) -> tuple[str, ...]:
        """Excepted paths that the app itself answers."""
        folders = (*self.static, *(each.url for each in self.media))
        return tuple(path for path in self.excepted if not path.startswith(folders))

    @property
    def has_streams(self) -> bool:
        """Tell whether any request may be a stream."""
        return self.upstream.recognises_streams or bool(self.streams)

    def asks_password(self, path: str) -> bool:
        """Tell whether visitors need a password at a path.

        Args:
            path: A URL folder.
        """
        open_folders = tuple(each for each in self.excepted if each.endswith("/"))
        return bool(self.users) and not path.startswith(open_folders)

    @property
    def variable(self) -> str:
        """The name as it may stand in a variable's name; no two apps share one."""
        return self.name.replace("-", "_")

    @property
    def script_name(self) -> str:
        """The prefix as apps are told it: without the slash at its end. Source: PEP 3333."""
        return self.prefix.removesuffix("/")


@dataclass(frozen=True)
class Site:
    """What is served under some names: one app or several, and what holds for all of them.

    Args:
        name: The app's name if it has the site to itself; otherwise see `shared_name`.
        mounts: Its apps, in the inventory's order.
        domains: Names under which it is reached, the main one first.
        redirects: Names that lead to the main one.
        trusted_proxies: Networks whose X-Forwarded-For is believed.
        hsts: Value of Strict-Transport-Security, or "".
        peers: Addresses of other hosts with this site, whose answers to an authority it gives.
        client_ca: Certificates of authorities for visitors, as PEM; "": none is asked for.
        client_required: Whether visitors without a certificate are turned away.
        authority: Where its certificate comes from, unless a person brings it or there is none.
        has_https: Whether visitors reach it over HTTPS, here or at a proxy before it.
    """

    name: str
    mounts: tuple[Mount, ...]
    domains: tuple[str, ...]
    redirects: tuple[str, ...]
    trusted_proxies: tuple[str, ...]
    hsts: str
    peers: tuple[str, ...] = ()
    client_ca: str = ""
    client_required: bool = False
    authority: Authority | None = None
    has_https: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        """All names that lead here: those that its certificate is for."""
        return (*self.domains, *self.redirects)

    @property
    def challenges(self) -> str:
        """The name of what answers an authority: of its own where peers are asked besides."""
        return f"acme-{self.name}" if self.peers else "acme"

    @property
    def variable(self) -> str:
        """The name as it may stand in a variable's name; no two sites share one."""
        if not self.is_shared:
            return self.name.replace("-", "_")
        # No app's begins with a digit; in a domain, hyphens and dots are never side by side.
        domain = self.domains[0].removeprefix("*")
        return "0" + domain.replace("-", "__").replace(".", "_")

    @property
    def is_shared(self) -> bool:
        """Whether other apps have a place in it, or may have: it then outlives each of them."""
        return self.name == shared_name(self.domains[0])

    @property
    def root(self) -> Mount | None:
        """The app that has all paths which no other has."""
        return next((mount for mount in self.mounts if mount.prefix == "/"), None)

    @property
    def former(self) -> tuple[str, ...]:
        """Names that the site had while it had fewer apps, or more."""
        if self.is_shared:
            return tuple(mount.name for mount in self.mounts)
        return (shared_name(self.domains[0]),)


def site_name(app: App, apps: Iterable[App]) -> str:
    """Return the name of an app's site: the app's own where it has the site to itself.

    Args:
        app: The app.
        apps: All apps on the same host.
    """
    is_alone = all(each.name == app.name or each.domains != app.domains for each in apps)
    return app.name if is_alone and app.prefix == "/" else shared_name(app.domains[0])


def shared_name(domain: str) -> str:
    """Return the name of a site that several apps may share: it is no app's, having a dot.

    Args:
        domain: Its main domain.
    """
    return "site." + domain.replace("*", "_")


def sites(
    apps: Sequence[App],
    tls: Tls,
    *,
    upstream: Callable[[App], Upstream],
    peers: Callable[[App], tuple[str, ...]],
    given: Mapping[str, Given],
) -> list[Site]:
    """Return the sites of apps on one host, in the order of their first apps.

    Apps with the same domains are on one site; the inventory is refused where they have only some
    in common.

    Args:
        apps: Those on the host.
        tls: How they get their certificates.
        upstream: Says where an app answers.
        peers: Says at which addresses other hosts have an app.
        given: By app.
    """
    by_domains: dict[tuple[str, ...], list[App]] = {}
    for app in apps:
        by_domains.setdefault(app.domains, []).append(app)
    made = []
    for domains, members in by_domains.items():
        first = members[0]
        made.append(
            Site(
                name=site_name(first, members),
                mounts=tuple(
                    _mount(app, upstream(app), given.get(app.name, Given())) for app in members
                ),
                domains=domains,
                redirects=first.redirect,
                trusted_proxies=first.trusted_proxies,
                hsts=_hsts(first, tls),
                peers=tuple(dict.fromkeys(peer for app in members for peer in peers(app))),
                client_ca=given.get(first.name, Given()).client_ca,
                client_required=bool(first.client_ca) and first.client_verify == "required",
                authority=_authority(tls),
                has_https=tls.https or bool(first.trusted_proxies),
            )
        )
    return made


def _mount(app: App, upstream: Upstream, given: Given) -> Mount:
    layout = AppLayout(app.name)
    return Mount(
        name=app.name,
        prefix=app.prefix,
        upstream=upstream,
        health=app.at(app.health),
        health_from=app.health_from,
        health_any_host=app.health_any_host,
        static=tuple(app.at(url) for url in app.static),
        media=tuple(
            ServedFolder(app.at(url), f"{layout.shared}/{each.folder}", each.internal)
            for url, each in app.media.items()
        ),
        root=layout.root,
        static_root=layout.static,
        static_max_age_s=app.static_max_age.seconds,
        rate=str(app.rate_limit or ""),
        burst=app.burst,
        connections=app.connection_limit or 0,
        # The first is within the rate itself.
        limits=tuple(
            PathLimit(app.at(path), rate.text, rate.requests - 1)
            for path, rate in app.limits.items()
        ),
        streams=tuple(app.at(path) for path in app.streams),
        dot_paths=tuple(app.at(path) for path in app.dot_paths),
        max_body=str(app.max_body),
        csp=_policy(app.csp),
        csp_report_only=app.csp == "report-only",
        maintenance=layout.maintenance,
        users=given.users,
        excepted=tuple(app.at(path) for path in app.basic_auth_except),
        snippet=given.snippet,
        headers=SiteHeaders(app.headers, app.static_headers),
    )


def _policy(csp: str) -> str:
    if csp == "off":
        return ""
    return STRICT_CSP if csp in ("strict", "report-only") else csp


def _authority(tls: Tls) -> Authority | None:
    if tls.method != "acme":
        return None
    return Authority(tls.directory, tls.email or "", tls.preflight)


def _hsts(app: App, tls: Tls) -> str:
    """Return the header's value; none for a certificate that browsers warn of anyway."""
    if app.hsts is None or tls.method in ("off", "self-signed"):
        return ""
    words = [f"max-age={app.hsts.seconds}"]
    words += ["includeSubDomains"] if app.hsts_subdomains else []
    words += ["preload"] if app.hsts_preload else []
    return "; ".join(words)
