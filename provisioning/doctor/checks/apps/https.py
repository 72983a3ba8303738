"""Every name answers over HTTP with a redirect to HTTPS."""

from __future__ import annotations

from provisioning.doctor.finding import Finding, failed, passed, unseen
from provisioning.doctor.seen import AppSeen

MEND = "fab provision; [tls] method in the inventory must not be off"


def judge(seen: AppSeen) -> Finding | None:
    """Judge what port 80 answers."""
    if seen.site.error:
        return unseen(seen.site.error)
    for name, answer in seen.site.plain.items():
        where = answer.headers.get("location", "")
        if answer.status not in (301, 308) or not where.startswith(f"https://{name}/"):
            said = answer.status or answer.body
            return failed(f"http://{name}/ answers {said} {where}".rstrip(), MEND)
    return passed(f"{len(seen.site.plain)} names redirect to HTTPS")
