"""`fab remove`: an app goes from its hosts, and leaves nothing but its data."""

from __future__ import annotations

from collections.abc import Sequence

from provisioning.agent.answers import Owned
from provisioning.cli.context import CommandContext
from provisioning.cli.options import Options
from provisioning.errors import ConfigurationError
from provisioning.hosts.host import RemoteHost, who
from provisioning.inventory.models.app import App
from provisioning.inventory.models.web_servers import WEB_SERVERS
from provisioning.protocol import queries
from provisioning.protocol.plan import make_plan
from provisioning.resources import RemovedApp, Resource
from provisioning.roles import web_server
from provisioning.roles.site import shared_name
from provisioning.transport.login.prompt import ask_word


def remove(options: Options, *, app: str, data: bool, yes: bool) -> int:
    """Take an app off hosts. It need not be in the inventory any more.

    Args:
        options: What the person said.
        app: The app.
        data: Whether its data goes too.
        yes: Whether the person is not asked.

    Returns:
        The exit code.

    Raises:
        ConfigurationError: nobody agrees.
    """
    context = CommandContext(options)
    found = context.inventory.apps.get(app)
    hosts = [
        host for host in context.hosts if found is None or found in context.inventory.apps_on(host)
    ]
    if not hosts:
        raise ConfigurationError(f"{app} does not run on any of these hosts")
    if not (yes or options.check):
        _must_agree(app, [host.name for host in hosts], data=data)
    drain_timeout_s = found.drain_timeout_s if found else 30
    fleet = context.fleet(hosts)

    def work(run: RemoteHost) -> None:
        owned = run.ask(queries.owned())
        ours = {
            name for name, entry in owned.apps.items() if entry.owner == context.inventory.owner
        }
        own = _sites_of_its_own(app, owned)
        resources: list[Resource] = [
            *(
                each
                for name in _servers(found, run)
                for each in web_server(name).without(app, sites=own, is_last=ours <= {app})
            ),
            RemovedApp(app, data=data, by=who(), drain_timeout_s=drain_timeout_s, sites=own),
        ]
        run.carry_out(make_plan(resources), what=f"removal of {app}")

    verb = "Checking the removal of" if options.check else "Removing"
    context.sink.begin(f"{verb} {app}", [host.name for host in hosts], check=options.check)
    fleet.all(work)
    if found is not None and not options.check:
        context.sink.note(
            f"remove [apps.{app}] from the inventory, or `fab provision` sets the app up again"
        )
    return context.end(fleet.runs)


def _servers(app: App | None, run: RemoteHost) -> list[str]:
    """Return the web server that serves an app: the host's, whatever the inventory says by now."""
    units = run.facts().web_units.split()
    there = [name for name in WEB_SERVERS if web_server(name).UNIT in units]
    return there or [app.web_server if app else next(iter(WEB_SERVERS))]


def _sites_of_its_own(app: str, owned: Owned) -> tuple[str, ...]:
    """Return the names of sites that would be left without any app. See `shared_name`.

    Which of its domains is the main one, the host does not know; there is one site at most.
    """
    own = owned.apps[app].domains if app in owned.apps else ()
    others = {
        domain for name, entry in owned.apps.items() if name != app for domain in entry.domains
    }
    return tuple(shared_name(domain) for domain in own if domain not in others)


def _must_agree(app: str, hosts: Sequence[str], *, data: bool) -> None:
    what = "with all its data" if data else f"except for its data in /srv/{app}/shared"
    question = f"This removes {app} from {', '.join(hosts)}, {what}. Type {app} to continue: "
    answer = ask_word(question)
    if answer is None:
        raise ConfigurationError(
            f"cannot remove {app}: there is no terminal to ask for confirmation",
            hint="add --yes to confirm",
        )
    if answer != app:
        raise ConfigurationError(f"{app} was not removed", hint="nothing was changed")
