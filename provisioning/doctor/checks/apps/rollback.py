"""A release is ready to go back to."""

from __future__ import annotations

from provisioning.doctor.finding import Finding, passed, unseen, warned
from provisioning.doctor.seen import AppSeen


def judge(seen: AppSeen) -> Finding | None:
    """Judge the releases besides the live one."""
    found = seen.examination
    if found is None or not found.live:
        return unseen(seen.absent)
    if found.damaged:
        return warned(
            f"a part of {', '.join(found.damaged)} is missing",
            "fab deploy, so that there is a whole one; the damaged one goes in time",
        )
    if not found.whole:
        return passed("the live release is the first: the next deploy makes it one to go back to")
    return passed(f"{len(found.whole)} of them, the latest {found.whole[-1]}")
