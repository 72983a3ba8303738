"""A visitor of a site: requests from the controller to one host, through its web server.

The connection goes to the host's own address, whatever the site's name resolves to, so that each
of several hosts is asked. Answers are bounded: see agent/machine/http.py.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from provisioning.agent.machine import http
from provisioning.doctor.certificate import certificate_of
from provisioning.doctor.exposed import exposed_paths
from provisioning.doctor.seen import RateSeen, SiteSeen
from provisioning.inventory.models.web_servers import WEB_SERVERS

if TYPE_CHECKING:
    from provisioning.agent.machine.http import Answer
    from provisioning.inventory.models.app import App

BODY_BYTES = 64 * 1024
"""How much of a page is read: an error page of a debugger says so further down."""

TIMEOUT_S = 10.0

TOO_MANY = 429
PATIENT_TRIES, PAUSE_S = 8, 1.0
"""How often a question is asked again that the rate limit has refused."""

FORGED = "forged.invalid"
"""A name that no site has. Source: RFC 2606."""

FORGED_HEADERS = {
    "X-Forwarded-Host": FORGED,
    "X-Forwarded-Proto": "http",
    "X-Forwarded-For": "203.0.113.66",
    "X-Forwarded-Port": "81",
    "X-Forwarded-Prefix": f"/{FORGED}",
    "Forwarded": f"host={FORGED};proto=http",
}

MOST_REQUESTS, AT_ONCE = 800, 32
"""How many requests try the rate limit at most, and how many of them at the same time.

Fewer at once than a site's limit of concurrent requests, which answers 429 as well.
"""


@dataclass(frozen=True)
class Visitor:
    """Asks one host for a site.

    Args:
        address: The host's.
        name: The site's.
        https: Whether it is on port 443.
    """

    address: str
    name: str
    https: bool

    def get(
        self,
        target: str,
        headers: Mapping[str, str] | None = None,
        *,
        tls: bool | None = None,
        name: str = "",
    ) -> Answer:
        """Return what the site answers; without an answer its status is 0."""
        over_tls = self.https if tls is None else tls
        return http.get_address(
            self.address,
            443 if over_tls else 80,
            target,
            {"Host": name or self.name, "User-Agent": "homeport", **(headers or {})},
            tls=over_tls,
            timeout_s=TIMEOUT_S,
            body_bytes=BODY_BYTES,
        )

    def wait_for(self, target: str, headers: Mapping[str, str] | None = None) -> Answer:
        """Return what the site answers as soon as its rate limit has room."""
        for _ in range(PATIENT_TRIES):
            answer = self.get(target, headers)
            if answer.status != TOO_MANY:
                break
            time.sleep(PAUSE_S)
        return answer


def look(
    app: App,
    address: str,
    *,
    https: bool,
    authority: str,
    static: Sequence[str],
    sources: Iterable[str],
) -> SiteSeen:
    """Return what a visitor gets of a site.

    Args:
        app: Its app.
        address: The host's address.
        https: Whether the inventory wants HTTPS.
        authority: PEM of an authority that is trusted besides the usual ones, or "".
        static: URLs of static files.
        sources: Names of files of the source.
    """
    visitor = Visitor(address, app.domains[0], https)
    plain = {name: visitor.get("/", tls=False, name=name) for name in app.names}
    if not any(each.status for each in plain.values()):
        why = next(iter(plain.values())).body
        return SiteSeen(error=f"the controller cannot reach port 80 of {address}: {why}")
    missing = visitor.wait_for(app.at(_nowhere()))
    began = time.monotonic()
    health = visitor.get(app.at(app.health))
    took_ms = round(1000 * (time.monotonic() - began))
    return SiteSeen(
        plain=plain,
        home=visitor.wait_for(app.prefix),
        health=health,
        health_ms=took_ms,
        missing=missing,
        forged=visitor.wait_for(app.prefix, FORGED_HEADERS),
        exposed=exposed_paths(visitor.wait_for, missing, sources),
        static={url: visitor.get(url) for url in static},
        certificates={name: certificate_of(address, name, authority) for name in app.names}
        if https
        else {},
        # Last: until the limit has room again, other questions would be refused.
        rate=_rate(app, visitor),
    )


def _nowhere() -> str:
    return f"homeport-doctor-{secrets.token_hex(4)}"


def _rate(app: App, visitor: Visitor) -> RateSeen:
    """Return what comes of more requests at once than the limit lets through."""
    limit = app.rate_limit
    if "rate_limit" in WEB_SERVERS[app.web_server].refuses:
        return RateSeen(reason=f"{app.web_server} has no rate limits")
    if limit is None:
        return RateSeen(reason='the inventory says rate_limit = "off"')
    if app.burst + 2 * AT_ONCE > MOST_REQUESTS:
        return RateSeen(reason=f"a burst of {app.burst} takes more than {MOST_REQUESTS} requests")
    return _many(lambda: visitor.get(app.at(_nowhere())).status, limit.per_minute / 60, app.burst)


def _many(ask: Callable[[], int], per_s: float, burst: int) -> RateSeen:
    """Ask until an answer is 429, or more have been asked than the limit lets through."""
    began = time.monotonic()
    sent = 0
    with ThreadPoolExecutor(AT_ONCE) as pool:
        while sent + AT_ONCE <= MOST_REQUESTS:
            statuses = list(pool.map(lambda _: ask(), range(AT_ONCE)))
            sent += AT_ONCE
            if TOO_MANY in statuses:
                return RateSeen(sent, statuses.count(TOO_MANY))
            # While they are answered, more are let through.
            if sent > burst + per_s * (time.monotonic() - began) + AT_ONCE:
                return RateSeen(sent, 0)
    speed = f"{sent / (time.monotonic() - began):.0f} requests a second"
    return RateSeen(sent, 0, f"it answers {speed}: too slow to reach its limit")
