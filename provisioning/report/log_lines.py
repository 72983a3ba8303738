"""A line that an app has logged, and the columns before its text."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from provisioning.report.sanitize import clean_line

ERROR = 3
"""Priorities from this down are errors. Source: syslog(3)."""


@dataclass(frozen=True)
class LogLine:
    """What a unit of an app has logged.

    Args:
        host: The host's name.
        at: Seconds since the epoch.
        unit: e.g. "hello@20260102T030405.000Z-abc1234.service".
        priority: 0 (emergency) to 7 (debug). Source: syslog(3).
        text: May be several lines.
    """

    host: str
    at: float
    unit: str
    priority: int
    text: str


def about(line: LogLine) -> str:
    """Return when a line was logged, by the clock here, and by what."""
    at = datetime.fromtimestamp(line.at).astimezone()
    unit = clean_line(line.unit).removesuffix(".service")
    return f"{at.strftime('%Y-%m-%d %H:%M:%S')}.{at.microsecond // 1000:03}  {unit}"
