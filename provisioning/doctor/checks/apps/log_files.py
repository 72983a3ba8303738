"""The app writes its log to the journal, or rotates it."""

from __future__ import annotations

from provisioning.doctor.finding import Finding, passed, unseen, warned
from provisioning.doctor.seen import AppSeen


def judge(seen: AppSeen) -> Finding | None:
    """Judge the files that its loggers write to."""
    if seen.says.error or seen.absent:
        return unseen(seen.absent or seen.says.error)
    if seen.says.log_files:
        return warned(
            f"it writes to {', '.join(seen.says.log_files)} without a bound",
            "log to stderr, which the journal keeps, or use a RotatingFileHandler",
        )
    return passed("no logger writes to a file without a bound")
