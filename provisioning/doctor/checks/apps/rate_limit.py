"""A visitor who asks too often is refused with 429."""

from __future__ import annotations

from provisioning.doctor.finding import Finding, failed, passed, unseen, warned
from provisioning.doctor.seen import AppSeen
from provisioning.inventory.models.web_servers import WEB_SERVERS


def judge(seen: AppSeen) -> Finding | None:
    """Judge what came of many requests."""
    rate = seen.site.rate
    if seen.site.error:
        return unseen(seen.site.error)
    if "rate_limit" in WEB_SERVERS[seen.app.web_server].refuses:
        return warned(
            f"{seen.app.web_server} has no rate limits",
            "limit requests in the app, or in front of the host: docs/web-servers.md",
        )
    if seen.app.rate_limit is None:
        return warned(rate.reason, f'rate_limit = "20r/s" under [apps.{seen.app.name}]')
    if rate.reason:
        return unseen(rate.reason)
    if not rate.refused:
        return failed(f"{rate.sent} requests at once were all answered", "fab provision")
    return passed(f"{rate.sent} requests at once, {rate.refused} of them refused")
