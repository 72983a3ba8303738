"""The app writes its log to the journal, or rotates it."""

from __future__ import annotations

from pathlib import PurePosixPath

from provisioning.doctor.finding import Finding, passed, unseen, warned
from provisioning.doctor.seen import AppSeen


def judge(seen: AppSeen) -> Finding | None:
    """Judge the files that its loggers write to."""
    if seen.says.error or seen.absent:
        return unseen(seen.absent or seen.says.error)
    bounded = seen.app.log_files
    unbounded = [
        path
        for path in seen.says.log_files
        if not any(PurePosixPath(path).match(each) for each in bounded)
    ]
    if unbounded:
        return warned(
            f"it writes to {', '.join(unbounded)} without a bound",
            "log to stderr, which the journal keeps, or name it in the app's `log_files`",
        )
    return passed("no logger writes to a file without a bound")
