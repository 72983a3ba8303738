"""`fab stop`: an app does not run any more, until it is started or deployed again."""

from __future__ import annotations

from provisioning.cli.context import CommandContext
from provisioning.cli.options import Options
from provisioning.cli.selection import apps_named, hosts_of
from provisioning.errors import ConfigurationError
from provisioning.hosts.client import Ended
from provisioning.hosts.host import RemoteHost, who
from provisioning.protocol.plan import make_plan
from provisioning.protocol.queries import app_state
from provisioning.resources import Stopped


def stop(options: Options, *, app: str, now: bool = False) -> int:
    """Stop an app on all its hosts.

    Args:
        options: What the person said.
        app: The app.
        now: Whether what runs of it is killed, in place of getting the time to finish.

    Returns:
        The exit code.
    """
    context = CommandContext(options)
    [found] = apps_named(context, app)
    hosts = hosts_of(context, [found])
    fleet = context.fleet(hosts)
    stopped = Stopped(app, by=who(), at_once=now, drain_timeout_s=found.drain_timeout_s)

    def work(run: RemoteHost) -> bool:
        known = run.ask(app_state(app))
        if not known.provisioned:
            raise ConfigurationError(
                f"{run.name} is not provisioned for {app}", hint=f"fab -H {run.name} provision"
            )
        ended = run.carry_out(make_plan([stopped]), what=f"stop of {app}")
        return isinstance(ended, Ended) and not (ended.done.failed or ended.done.stopped)

    context.sink.begin(f"Stopping {app}", [host.name for host in hosts])
    done = fleet.all(work)
    everywhere = len(done) == len(hosts) and all(done.values())
    conclusion = f"{app} is stopped; fab start {app} or fab deploy makes a release live again"
    return context.end(fleet.runs, conclusion=conclusion if everywhere else "")
