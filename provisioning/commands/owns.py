"""`fab owns` and `fab restore-adopted`: what on a host is Homeport's, and what was handed over."""

from __future__ import annotations

import time
from collections.abc import Iterator

from provisioning.agent.answers import Owned, plain
from provisioning.cli.context import CommandContext
from provisioning.cli.options import Options
from provisioning.hosts.host import RemoteHost
from provisioning.protocol import queries
from provisioning.protocol.plan import make_plan
from provisioning.resources import Restored


def owns(options: Options) -> int:
    """Show what Homeport made on each host, for which project and environment, and since when.

    Returns:
        The exit code.
    """
    context = CommandContext(options)
    fleet = context.fleet(context.hosts)
    answers = fleet.all(lambda run: run.ask(queries.owned()))
    rows = [row for host, owned in sorted(answers.items()) for row in rows_of(host, owned)]
    context.sink.table(
        f"Made or managed by Homeport on {', '.join(sorted(answers)) or 'no host'}",
        ("host", "kind", "name", "for", "since"),
        rows,
        keys=3,
        values=[{"host": host, **plain(owned)} for host, owned in sorted(answers.items())],
    )
    for host, owned in sorted(answers.items()):
        for when, things in sorted(owned.adopted.items()):
            context.sink.note(
                f"handed over, with a copy in /var/backups/homeport/{when}: {', '.join(things)}",
                host,
            )
    return context.end(fleet.runs, conclusion=f"{len(rows)} things")


def restore_adopted(options: Options, *, copy: str) -> int:
    """Put back what a person handed over.

    Args:
        options: What the person said.
        copy: The time in the name of the copies' directory.

    Returns:
        The exit code.
    """
    context = CommandContext(options)
    fleet = context.fleet(context.hosts)

    def work(run: RemoteHost) -> None:
        run.carry_out(make_plan([Restored(copy)]), what="restore of what was handed over")

    context.sink.begin(f"Putting back {copy}", [host.name for host in context.hosts])
    fleet.all(work)
    return context.end(fleet.runs)


def rows_of(host: str, owned: Owned) -> Iterator[tuple[str, str, str, str, str]]:
    """Yield a row for each thing of a host's record: host, kind, name, owners, since when."""
    for thing, entry in sorted(owned.things.items()):
        kind, _, name = thing.partition(":")
        yield host, kind, name, ", ".join(entry.owners) or "the host", _date(entry.since)


def _date(since: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(since)) if since else ""
