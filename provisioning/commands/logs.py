"""`fab logs`: what an app has logged on all its hosts, in the order of time."""

from __future__ import annotations

import threading
import time

from provisioning.cli.context import CommandContext
from provisioning.cli.options import Options
from provisioning.cli.selection import apps_named, hosts_of
from provisioning.errors import ConfigurationError, HomeportError
from provisioning.hosts.host import RemoteHost
from provisioning.hosts.parallel import map_hosts
from provisioning.inventory import Duration
from provisioning.operations.logs import HOLD_S, Merged, Query, read_log

DEFAULT_LINES = 100
"""Of each host, where nothing is said about how far back to go."""


def logs(
    options: Options,
    *,
    app: str = "",
    follow: bool = False,
    since: str = "",
    grep: str = "",
    lines: int = 0,
) -> int:
    """Show what an app has logged.

    Args:
        options: What the person said.
        app: The app; "": all apps.
        follow: Go on showing until Ctrl-C.
        since: How far back, as "1h"; "": not bounded.
        grep: Only lines that hold this text.
        lines: The last so many of each host; 0: all that `since` gives, else DEFAULT_LINES.

    Returns:
        The exit code.
    """
    since_s = _seconds(since)
    if lines < 0:
        raise ConfigurationError(f"--lines {lines}: it cannot be negative")
    context = CommandContext(options)
    apps = apps_named(context, app)
    hosts = hosts_of(context, apps)
    runs = {
        context.run(host): [each.name for each in context.inventory.apps_on(host) if each in apps]
        for host in hosts
    }
    context.sink.begin("", [host.name for host in hosts], log=True)
    merged = Merged(
        [host.name for host in hosts], context.sink.log, hold_s=HOLD_S if follow else None
    )
    stopping, interrupted = threading.Event(), threading.Event()

    def work(run: RemoteHost) -> None:
        query = Query(
            apps=runs[run],
            since=time.time() - since_s if since_s else 0.0,
            lines=lines or (0 if since_s else DEFAULT_LINES),
            grep=grep,
        )
        try:
            read_log(run, query, merged, stopping if follow else None)
        except BrokenPipeError:
            stopping.set()
            raise
        except HomeportError as error:
            if not stopping.is_set():
                run.fail(error)
                # At once: who follows may follow for hours.
                run.end()
        finally:
            merged.leave(run.name)

    def interrupt() -> None:
        interrupted.set()
        stopping.set()
        context.close()

    outcomes = map_hosts(list(runs), work, parallel=options.parallel, on_interrupt=interrupt)
    if interrupted.is_set():
        raise KeyboardInterrupt
    for outcome in outcomes:
        if outcome.error is not None:
            raise outcome.error
    return context.end(list(runs), conclusion="the log ends here")


def _seconds(since: str) -> int:
    try:
        return Duration.parse(since).seconds if since else 0
    except ValueError as error:
        raise ConfigurationError(f"--since: {error}") from None
