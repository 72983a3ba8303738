"""What one of two commands for the same host says: that it did the work, or who does it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tests.e2e.project import Result

WATCHED = re.compile(
    r"(deploy|rollback) of hello.* by \S+ has been running for \d+ s: following it"
)
REFUSED = re.compile(
    r"another run is in progress on this host: "
    r"(deploy of hello \S+|rollback of hello|provision) by \S+@\S+, started \d+ s ago"
)


@dataclass(frozen=True)
class Said:
    """A command of a round and how it ended."""

    command: str
    result: Result

    @property
    def watched(self) -> bool:
        return bool(WATCHED.search(self.result.output))

    @property
    def refused(self) -> bool:
        return bool(REFUSED.search(self.result.output))

    def __str__(self) -> str:
        how = "watched" if self.watched else "was refused" if self.refused else "did it"
        return f"{self.command} {how} ({self.result.code})"

    @property
    def did_it(self) -> bool:
        return self.result.code == 0 and not (self.watched or self.refused)
