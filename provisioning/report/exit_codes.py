"""The number a command ends with."""

from __future__ import annotations

from collections.abc import Iterable

from provisioning.report.host_report import HostReport, Status

INTERRUPTED, RESOURCE_FAILED, REFUSED, UNREACHABLE = 130, 1, 4, 3
CONFIGURATION, DIFFERENCES, DONE = 2, 5, 0

WORST_FIRST = (
    INTERRUPTED,  # hosts may be anywhere, and some were never begun
    RESOURCE_FAILED,  # a host stands half-way
    REFUSED,  # visitors see the old release, as before
    UNREACHABLE,  # nothing was done there
    CONFIGURATION,  # nothing was done at all
    DIFFERENCES,
    DONE,
)
"""With several hosts, the most urgent code wins."""

_CODES: dict[Status, int] = {
    "interrupted": INTERRUPTED,
    "failed": RESOURCE_FAILED,
    "refused": REFUSED,
    "unreachable": UNREACHABLE,
    "changed": DONE,
    "unchanged": DONE,
}


def exit_code(
    reports: Iterable[HostReport], *, check: bool = False, exit_code_on_change: bool = False
) -> int:
    """Return the exit code of a command that worked on these hosts.

    Args:
        reports: One per host.
        check: Nothing was changed; `changed` holds what would be.
        exit_code_on_change: A check that found differences ends with 5.
    """
    codes = {_code(report, differences=check and exit_code_on_change) for report in reports}
    return min(codes, key=WORST_FIRST.index, default=DONE)


def _code(report: HostReport, *, differences: bool) -> int:
    if report.status == "failed" and report.error and report.error.exit_code in WORST_FIRST:
        return report.error.exit_code
    if report.status == "changed" and differences:
        return DIFFERENCES
    return _CODES[report.status]
