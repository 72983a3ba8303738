"""`fab maintenance`: a page for visitors instead of the app, and back."""

from __future__ import annotations

from collections.abc import Iterable

from provisioning.cli.context import CommandContext
from provisioning.cli.options import Options
from provisioning.cli.selection import apps_named, hosts_of
from provisioning.errors import ConfigurationError
from provisioning.hosts.client import Ended
from provisioning.hosts.host import RemoteHost
from provisioning.operations.maintenance import networks
from provisioning.protocol.plan import make_plan
from provisioning.protocol.queries import app_state, client_address
from provisioning.resources import Resource
from provisioning.roles import web_server


def maintenance(
    options: Options,
    *,
    app: str,
    state: str,
    allow: str = "",
) -> int:
    """Turn an app's visitors away, or let them in again, on all its hosts.

    Args:
        options: What the person said.
        app: The app.
        state: "on" or "off".
        allow: Networks that are let through; "": the address that the connection comes from.

    Returns:
        The exit code.
    """
    if state not in ("on", "off"):
        raise ConfigurationError(
            f"cannot set maintenance to {state}: use on or off", hint=f"fab maintenance {app} on"
        )
    allowed = networks(allow)
    if allow and state == "off":
        raise ConfigurationError("--allow can be used only with `on`")
    context = CommandContext(options)
    [found] = apps_named(context, app)
    hosts = hosts_of(context, [found])
    fleet = context.fleet(hosts)
    server = web_server(found.web_server)

    def work(run: RemoteHost) -> bool:
        if not run.ask(app_state(app)).provisioned:
            raise ConfigurationError(
                f"{run.name} is not provisioned for {app}",
                hint=f"fab -H {run.name} provision",
            )
        if state == "off":
            return carry_out(run, server.maintenance(app, None))
        own = allowed or networks(run.ask(client_address()))
        run.note(f"let through: {', '.join(own) or 'the host itself'}")
        return carry_out(run, server.maintenance(app, own))

    def carry_out(run: RemoteHost, resources: Iterable[Resource]) -> bool:
        # It is over at once: unlike a deploy it ends with its connection.
        ended = run.carry_out(make_plan(resources), what=f"maintenance of {app}")
        return isinstance(ended, Ended) and not (ended.done.failed or ended.done.stopped)

    context.sink.begin(f"Maintenance of {app}: {state}", [host.name for host in hosts])
    done = fleet.all(work)
    everywhere = len(done) == len(hosts) and all(done.values())
    what = "visitors get the maintenance page" if state == "on" else "visitors get the app"
    return context.end(fleet.runs, conclusion=f"{app}: {what}" if everywhere else "")
