"""A visitor who asks too often is refused with 429."""

from __future__ import annotations

from provisioning.doctor.finding import Finding, failed, passed, unseen, warned
from provisioning.doctor.seen import AppSeen


def judge(seen: AppSeen) -> Finding | None:
    """Judge what came of many requests."""
    rate = seen.site.rate
    if seen.site.error:
        return unseen(seen.site.error)
    if seen.app.rate_limit is None:
        return warned(rate.reason, f'rate_limit = "20r/s" under [apps.{seen.app.name}]')
    if rate.reason:
        return unseen(rate.reason)
    if not rate.refused:
        return failed(f"{rate.sent} requests at once were all answered", "fab provision")
    return passed(f"{rate.sent} requests at once, {rate.refused} of them refused")
