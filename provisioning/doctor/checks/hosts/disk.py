"""Disks have room, and inodes."""

from __future__ import annotations

from provisioning.doctor.finding import Finding, failed, passed, unseen, warned
from provisioning.doctor.seen import HostSeen

WARN_PERCENT, FAIL_PERCENT = 15, 5


def judge(seen: HostSeen) -> Finding | None:
    """Judge the fullest file system."""
    free = [(each.free_percent, f"of {each.path}") for each in seen.examination.file_systems]
    free += [
        (each.free_inodes_percent, f"of the inodes of {each.path}")
        for each in seen.examination.file_systems
        if each.free_inodes_percent is not None
    ]
    if not free:
        return unseen("no file system was seen")
    percent, where = min(free)
    said = f"{percent} % {where} are free"
    mend = "du -x on the host shows what takes it; keep_releases, journalctl --vacuum-size"
    if percent < FAIL_PERCENT:
        return failed(said, mend)
    return warned(said, mend) if percent < WARN_PERCENT else passed(said)
