"""The health path answers as it should, quickly."""

from __future__ import annotations

from provisioning.doctor.finding import Finding, failed, passed, unseen, warned
from provisioning.doctor.seen import AppSeen

SLOW_MS = 1000


def judge(seen: AppSeen) -> Finding | None:
    """Judge the answers of the release's socket and of the site."""
    path, found = seen.app.at(seen.app.health), seen.examination
    if found and found.live and found.health not in map(str, seen.app.health_status):
        return failed(f"{path} answers {found.health} at its socket", f"fab logs {seen.app.name}")
    if seen.site.error or seen.site.health is None:
        return unseen(seen.site.error or "the site was not asked")
    answer = seen.site.health
    if answer.status not in seen.app.health_status:
        return failed(
            f"{path} answers {answer.status or answer.body} through the web server",
            f"fab status; fab logs {seen.app.name}",
        )
    took_ms = max(seen.site.health_ms, found.health_ms if found else 0)
    if took_ms > SLOW_MS:
        return warned(
            f"{path} took {took_ms} ms",
            "look at no more than the app needs to serve, and give each look a timeout",
        )
    return passed(f"{path} answers {answer.status} in {took_ms} ms")
