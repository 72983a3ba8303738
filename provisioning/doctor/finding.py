"""What a check says: a verdict, the evidence for it, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How a check ended; the worst first."""

    FAIL = "fail"
    WARN = "warn"
    UNSEEN = "not seen"
    PASS = "pass"  # noqa: S105  # nosec B105 # a verdict


MOST_CHARS = 400
"""Of the evidence: a host or an app may have given things names without end."""


@dataclass(frozen=True)
class Finding:
    """What a check found.

    Args:
        verdict: How it ended.
        evidence: What was seen, as one short sentence without any secret; or why nothing was.
        mend: What to do, as one sentence; "" where nothing is to be done.
    """

    verdict: Verdict
    evidence: str
    mend: str = ""

    def __post_init__(self) -> None:
        """Cut what is too long to be read."""
        for name in ("evidence", "mend"):
            text = getattr(self, name)
            if len(text) > MOST_CHARS:
                object.__setattr__(self, name, f"{text[:MOST_CHARS]} ...")


def passed(evidence: str) -> Finding:
    """Return that all is well."""
    return Finding(Verdict.PASS, evidence)


def warned(evidence: str, mend: str) -> Finding:
    """Return that something should be better."""
    return Finding(Verdict.WARN, evidence, mend)


def failed(evidence: str, mend: str) -> Finding:
    """Return that something must be mended."""
    return Finding(Verdict.FAIL, evidence, mend)


def unseen(reason: str, mend: str = "") -> Finding:
    """Return that nothing can be said, and why."""
    return Finding(Verdict.UNSEEN, reason, mend)
