"""Browsers are told to insist on HTTPS (Strict-Transport-Security)."""

from __future__ import annotations

import re

from provisioning.doctor.finding import Finding, passed, unseen, warned
from provisioning.doctor.seen import AppSeen

LEAST_S = 15_768_000
"""Half a year. Source: MDN HTTP Observatory, strict-transport-security."""


def judge(seen: AppSeen) -> Finding | None:
    """Judge the header of the home page."""
    if not seen.tls.https:
        return None
    if seen.site.error or not seen.site.home or not seen.site.home.status:
        return unseen(seen.site.error or "the site does not answer over HTTPS")
    header = seen.site.home.headers.get("strict-transport-security", "")
    found = re.search(r"max-age=(\d+)", header)
    if not found:
        return warned("there is no such header", f'hsts = "730d" under [apps.{seen.app.name}]')
    if int(found[1]) < LEAST_S:
        return warned(f"only for {int(found[1]) // 86400} days", "raise hsts when HTTPS has proven")
    return passed(header)
