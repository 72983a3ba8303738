"""Nothing of the repository, the environment or backups is readable over HTTP."""

from __future__ import annotations

from provisioning.doctor.finding import Finding, failed, passed, unseen
from provisioning.doctor.seen import AppSeen


def judge(seen: AppSeen) -> Finding | None:
    """Judge what a visitor could read."""
    if seen.site.error:
        return unseen(seen.site.error)
    if seen.site.exposed:
        return failed(
            f"a visitor can read {', '.join(seen.site.exposed[:4])}",
            "serve a folder that has only static files, and take the file away from there",
        )
    return passed("/.git, /.env, source files and backups are not there for visitors")
