"""The summary of all hosts: its rows, the failures and the last line."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from provisioning.report.host_report import HostReport, Status
from provisioning.report.sanitize import clean, clean_line

_STATUSES: tuple[Status, ...] = (
    "changed", "unchanged", "refused", "failed", "unreachable", "interrupted",
)  # fmt: skip

NAMED_HOSTS = 4
"""Of more hosts than that, the rest is counted."""


@dataclass(frozen=True)
class Failure:
    """One cause, and the hosts that it kept from ending well.

    Args:
        hosts: Their names.
        message, hint, output: As in `HomeportError`; clean.
    """

    hosts: tuple[str, ...]
    message: str
    hint: str = ""
    output: str = ""


def columns(*, check: bool) -> tuple[str, ...]:
    """Return the heads of the summary's columns."""
    changed = "would change" if check else "changed"
    return ("host", changed, "unchanged", "failed", "seconds", "round trips", "outcome")


def row(report: HostReport, *, check: bool) -> tuple[str, ...]:
    """Return one host's row of the summary."""
    status: str = report.status
    counts = [str(len(report.changed)), str(report.unchanged), str(int(bool(report.failed)))]
    if status == "unreachable":
        counts = ["-", "-", "-"]
    if check and status == "changed":
        status = "would change"
    turns = str(report.turns or "-")
    return (clean_line(report.host), *counts, f"{report.seconds:.1f}", turns, status)


def failure_of(report: HostReport) -> Failure | None:
    """Return why a host failed, or None."""
    host = clean_line(report.host)
    if report.error is not None:
        error = report.error
        return Failure((host,), clean(error.message), clean_line(error.hint), clean(error.output))
    if report.failed is not None:
        failed = report.failed
        message = clean(failed.message) or f"{clean_line(failed.id)} failed"
        return Failure((host,), message, clean_line(failed.hint), clean(failed.output))
    return None


def failures(reports: Sequence[HostReport]) -> Iterator[Failure]:
    """Yield every cause once, with all the hosts that it hit."""
    causes: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for report in reports:
        failure = failure_of(report)
        if failure:
            # The same trouble names each host by its own name.
            name = rf"(?<![\w.-]){re.escape(report.host)}(?![\w.-])"
            common = re.sub(name, "the host", failure.message)
            found = causes.setdefault((common, failure.hint), [])
            found.append((failure.hosts[0], failure.message))
    for (common, hint), found in causes.items():
        hosts = tuple(host for host, _ in found)
        yield Failure(hosts, found[0][1] if len(hosts) == 1 else common, hint)


def unsaid_failure_of(report: HostReport) -> Failure | None:
    """Return why a host did not end well, unless the failed resource has said so."""
    if report.failed and (not report.error or report.failed.message in report.error.message):
        return None
    return failure_of(report)


def host_names(hosts: Sequence[str]) -> str:
    """Name a few hosts, and count the others."""
    names = [clean_line(host) for host in hosts]
    if len(names) <= NAMED_HOSTS:
        return ", ".join(names)
    shown = ", ".join(names[: NAMED_HOSTS - 1])
    return f"{shown} and {len(names) - NAMED_HOSTS + 1} more"


def outcome(report: HostReport, *, check: bool) -> str:
    """Say how one host ended, as "3 changed, 41 unchanged"."""
    if report.status in ("unreachable", "refused", "failed", "interrupted"):
        return report.status
    verb = "would change" if check else "changed"
    return f"{len(report.changed)} {verb}, {report.unchanged} unchanged"


def conclusion(reports: Sequence[HostReport], *, check: bool) -> str:
    """Return the last line of a command whose caller has no better one."""
    counts = Counter(report.status for report in reports)
    if set(counts) <= {"unchanged"}:
        return "nothing would change" if check else "nothing had to be changed"
    if len(reports) == 1:
        if reports[0].status != "changed":
            return ""
        number = len(reports[0].changed)
        resources = f"{number} resource{'s' if number > 1 else ''}"
        return f"{resources} would change" if check else f"{resources} changed"
    parts = (
        f"{counts[status]} {'would change' if check and status == 'changed' else status}"
        for status in _STATUSES
        if status in counts
    )
    return f"{len(reports)} hosts: " + ", ".join(parts)
