"""`fab doctor`: the checklist of production, verified on live hosts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from provisioning.cli.context import CommandContext
from provisioning.cli.options import Options
from provisioning.cli.selection import apps_here
from provisioning.doctor.doctor import Doctor, Line
from provisioning.doctor.finding import Finding, Verdict
from provisioning.errors import ResourceFailedError
from provisioning.hosts.host import RemoteHost
from provisioning.protocol.session import Said
from provisioning.report import Sink

Results = Mapping[str, Sequence[Line]]
"""Host -> what was found there."""


def doctor(options: Options, *, app: str = "", renew_dry_run: bool = False) -> int:
    """Hold hosts against the checklist of production; nothing is changed.

    Args:
        options: What the person said.
        app: Only this app; "" for all.
        renew_dry_run: Also renew certificates as a test.

    Returns:
        The exit code: 1 where a check failed.
    """
    # Whatever is carried out is a check.
    context = CommandContext(replace(options, check=True))
    apps = {each.name for each in apps_here(context, app)} if app else set(context.inventory.apps)
    work = Doctor(
        context.inventory,
        context.project,
        context.authority,
        renew_dry_run,
        say=lambda host, text: context.sink.heard(host, Said(text)),
    )
    fleet = context.fleet(context.hosts)
    hosts = dict(zip(fleet.runs, context.hosts, strict=True))

    def examine(run: RemoteHost) -> list[Line]:
        here = [each for each in context.inventory.apps_on(hosts[run]) if each.name in apps]
        return work.examine(run, hosts[run], here)

    context.sink.begin(
        f"Doctor of {context.inventory.environment}", [host.name for host in context.hosts]
    )
    results: Results = fleet.all(examine)
    show(context.sink, results)
    counts = _counts(results)
    code = context.end(
        fleet.runs, conclusion=", ".join(f"{n} {what}" for what, n in counts.items())
    )
    return code or (ResourceFailedError.exit_code if counts[Verdict.FAIL] else 0)


def show(sink: Sink, results: Results) -> None:
    """Show all findings, and what to do about those that are not well."""
    values = [
        {
            "host": host, "app": line.app, "check": line.check,
            "verdict": str(line.finding.verdict), "evidence": line.finding.evidence,
            "mend": line.finding.mend,
        }
        for host, lines in sorted(results.items())
        for line in lines
    ]  # fmt: skip
    columns, rows = _one(results) if len(results) == 1 else _side_by_side(results)
    sink.table("", columns, rows, keys=2, values=values, marks=True)
    for host, lines in sorted(results.items()):
        for (app, found), names in _alike(lines).items():
            about = f"{', '.join(names)} of {app}" if app else ", ".join(names)
            sink.note(f"{found.verdict}: {about}: {found.evidence}", host)
            if found.mend:
                sink.note(f"  mend: {found.mend}", host)


def _alike(lines: Iterable[Line]) -> dict[tuple[str, Finding], list[str]]:
    """Return app and finding -> the checks that found just that, without what is well."""
    found: dict[tuple[str, Finding], list[str]] = {}
    for line in sorted(lines, key=_worst_first):
        if line.finding.verdict is not Verdict.PASS:
            found.setdefault((line.app, line.finding), []).append(line.check)
    return found


def _one(results: Results) -> tuple[Sequence[str], list[Sequence[str]]]:
    """Return the table of a single host, with the evidence."""
    [lines] = results.values()
    rows = [[line.check, line.app, line.finding.verdict, line.finding.evidence] for line in lines]
    return ("check", "app", "verdict", "evidence"), rows  # type: ignore[return-value]


def _side_by_side(results: Results) -> tuple[Sequence[str], list[Sequence[str]]]:
    """Return the table of several hosts: a column for each."""
    hosts = sorted(results)
    found = {
        host: {(line.check, line.app): line.finding.verdict for line in lines}
        for host, lines in results.items()
    }
    keys = dict.fromkeys(key for host in hosts for key in found[host])
    rows = [[*key, *(str(found[host].get(key, "")) for host in hosts)] for key in keys]
    return ("check", "app", *hosts), rows  # type: ignore[return-value]


def _worst_first(line: Line) -> int:
    return list(Verdict).index(line.finding.verdict)


def _counts(results: Results) -> dict[Verdict, int]:
    verdicts: Iterable[Verdict] = [
        line.finding.verdict for lines in results.values() for line in lines
    ]
    return {each: list(verdicts).count(each) for each in Verdict}
