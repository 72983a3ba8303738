"""Programs can still get memory."""

from __future__ import annotations

from provisioning.doctor.finding import Finding, failed, passed, unseen, warned
from provisioning.doctor.seen import HostSeen

WARN_PERCENT, FAIL_PERCENT = 10, 4


def judge(seen: HostSeen) -> Finding | None:
    """Judge what the kernel says."""
    total, free = seen.examination.memory_mb, seen.examination.available_mb
    if not total:
        return unseen("the kernel does not say")
    said = f"{free} of {total} MB are available"
    mend = "fewer workers, memory_max, or a larger host"
    if 100 * free < FAIL_PERCENT * total:
        return failed(said, mend)
    return warned(said, mend) if 100 * free < WARN_PERCENT * total else passed(said)
