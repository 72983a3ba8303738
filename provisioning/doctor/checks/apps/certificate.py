"""Browsers trust the certificate of every name, and it does not end soon."""

from __future__ import annotations

from provisioning.doctor.finding import Finding, failed, passed, unseen, warned
from provisioning.doctor.seen import AppSeen

FAIL_DAYS, WARN_DAYS = 7, 20
"""Renewal begins 30 days before the end of 90; with 20 left it has failed for ten days."""


def judge(seen: AppSeen) -> Finding | None:
    """Judge the certificates as visitors get them."""
    if not seen.tls.https:
        return failed('the inventory says method = "off"', '[tls] method = "acme" in the inventory')
    if seen.site.error:
        return unseen(seen.site.error)
    renewing = seen.web.UNIT if seen.web.BRINGS_CERTIFICATES else "homeport-renewal@*"
    mend = f"fab provision; journalctl -u {renewing} on the host says why it was not renewed"
    for name, each in seen.site.certificates.items():
        if each.error:
            return failed(f"{name}: {each.error}", mend)
    days = min((each.days_left or 0 for each in seen.site.certificates.values()), default=0)
    if days < FAIL_DAYS:
        return failed(f"it ends in {days} days", mend)
    if days < WARN_DAYS:
        return warned(f"it ends in {days} days", mend)
    return passed(f"trusted, and good for {days} days")
