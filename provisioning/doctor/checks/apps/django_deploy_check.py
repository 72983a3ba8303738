"""Django's own check --deploy has nothing to say."""

from __future__ import annotations

from provisioning.doctor.finding import Finding, passed, unseen, warned
from provisioning.doctor.seen import AppSeen

SHOWN = 4

MEND = "each has its explanation in Django's documentation: System check framework, Security"


def judge(seen: AppSeen) -> Finding | None:
    """Judge what Django said."""
    if seen.says.framework != "django":
        return None
    warnings = seen.says.warnings
    if warnings is None:
        return unseen("check --deploy could not be run")
    if not warnings:
        return passed("no warning")
    more = f", and {len(warnings) - SHOWN} more" if len(warnings) > SHOWN else ""
    sentences = [each.partition(". ")[0] for each in warnings[:SHOWN]]
    return warned("; ".join(sentences) + more, MEND)
