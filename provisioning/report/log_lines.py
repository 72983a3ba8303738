"""What stands before the text of a logged line."""

from __future__ import annotations

from datetime import datetime

from provisioning.report.cleaning import clean_line
from provisioning.report.sink import LogLine

ERROR = 3
"""Priorities from this down are errors. Source: syslog(3)."""


def about(line: LogLine) -> str:
    """Return when a line was logged, by the clock here, and by what."""
    at = datetime.fromtimestamp(line.at).astimezone()
    unit = clean_line(line.unit).removesuffix(".service")
    return f"{at.strftime('%Y-%m-%d %H:%M:%S')}.{at.microsecond // 1000:03}  {unit}"
