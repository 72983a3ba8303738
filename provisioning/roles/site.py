"""Where web and app servers meet: an app server gives an Upstream, a web server takes a Site."""

from __future__ import annotations

from dataclasses import dataclass

from provisioning.agent.layout import AppLayout
from provisioning.inventory.models.app import App
from provisioning.inventory.models.tls import Tls
from provisioning.inventory.types.units import Rate

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

HEALTH_RATE, HEALTH_BURST = Rate.parse("10r/s"), 20
"""The least that a health path answers one address, whatever the app's own rate: a load balancer
probes from each of its processes, by default every 2 s. Source: HAProxy's manual, "inter".
"""


@dataclass(frozen=True)
class Upstream:
    """Where an app answers.

    Args:
        socket: Path of the unix socket; a link, followed anew for each request.
        timeout_s: Seconds that the app server lets a worker be silent.
        stream_quiet_s: Seconds that a websocket or server-sent events may be silent; 0 for an app
            of which streams are requests like any other.
    """

    socket: str
    timeout_s: int
    stream_quiet_s: int = 0


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
class Site:
    """What a web server needs to know of an app.

    Args:
        name: The app's name.
        domains: Names under which it is reached, the main one first.
        upstream: Where the app answers.
        health: URL path that is answered during maintenance, and hardly logged.
        health_rate: Requests to it for one visitor, "20r/s"; "" is no limit.
        health_burst: Requests to it above that rate that are answered at once.
        static: URL folders that are served from below `static_root`.
        static_root: Directory on the host, laid out by URL path.
        static_max_age_s: Seconds that browsers keep a static file with a plain name.
        rate: Requests for one visitor, "20r/s"; "" is no limit.
        burst: Requests above the rate that are answered at once.
        max_body: Largest request body, "10m".
        trusted_proxies: Networks whose X-Forwarded-For is believed.
        csp: Content-Security-Policy where the app sends none, or "".
        csp_report_only: Whether browsers only report what `csp` would forbid.
        hsts: Value of Strict-Transport-Security, or "".
        maintenance: File that is there in maintenance: it says who is turned away.
        peers: Addresses of other hosts with this site, whose answers to an authority it gives.
    """

    name: str
    domains: tuple[str, ...]
    upstream: Upstream
    health: str
    health_rate: str
    health_burst: int
    static: tuple[str, ...]
    static_root: str
    static_max_age_s: int
    rate: str
    burst: int
    max_body: str
    trusted_proxies: tuple[str, ...]
    csp: str
    csp_report_only: bool
    hsts: str
    maintenance: str
    peers: tuple[str, ...] = ()

    @property
    def challenges(self) -> str:
        """The name of what answers an authority: of its own where peers are asked besides."""
        return f"acme-{self.name}" if self.peers else "acme"

    @property
    def variable(self) -> str:
        """The name as it may stand in a variable's name; no two apps share one."""
        return self.name.replace("-", "_")


def site(app: App, upstream: Upstream, tls: Tls, peers: tuple[str, ...] = ()) -> Site:
    """Return the site of an app."""
    layout = AppLayout(app.name)
    return Site(
        name=app.name,
        domains=app.domains,
        upstream=upstream,
        health=app.health,
        health_rate=_health_rate(app),
        health_burst=max(app.burst, HEALTH_BURST),
        static=tuple(app.static),
        static_root=layout.static,
        static_max_age_s=app.static_max_age.seconds,
        rate=str(app.rate_limit or ""),
        burst=app.burst,
        max_body=str(app.max_body),
        trusted_proxies=app.trusted_proxies,
        csp=_policy(app.csp),
        csp_report_only=app.csp == "report-only",
        hsts=_hsts(app, tls),
        maintenance=layout.maintenance,
        peers=peers,
    )


def _health_rate(app: App) -> str:
    """Return the app's own rate, unless a load balancer's probes may need more; "" is no limit."""
    if app.rate_limit is None:
        return ""
    return max((app.rate_limit, HEALTH_RATE), key=lambda rate: rate.per_minute).text


def _policy(csp: str) -> str:
    if csp == "off":
        return ""
    return STRICT_CSP if csp in ("strict", "report-only") else csp


def _hsts(app: App, tls: Tls) -> str:
    """Return the header's value; none for a certificate that browsers warn of anyway."""
    if app.hsts is None or tls.method in ("off", "self-signed"):
        return ""
    words = [f"max-age={app.hsts.seconds}"]
    words += ["includeSubDomains"] if app.hsts_subdomains else []
    words += ["preload"] if app.hsts_preload else []
    return "; ".join(words)
