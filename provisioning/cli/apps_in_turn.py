"""Change the live release of one app after the other, each with its hosts and hooks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from provisioning.cli.context import CommandContext
from provisioning.cli.selection import hosts_of
from provisioning.errors import ConfigurationError, HomeportError, InterruptedRunError
from provisioning.hooks import Command, Hooks
from provisioning.hosts.fleet import Fleet
from provisioning.hosts.host import RemoteHost, who

if TYPE_CHECKING:
    from provisioning.inventory.models.app import App

P = TypeVar("P")
R = TypeVar("R")


def apps_in_turn(
    context: CommandContext,
    fleets: Fleets,
    hooks: Mapping[str, Hooks],
    plans: Mapping[str, P],
    work: Callable[[Fleet, P, Hooks], str],
) -> int:
    """Change the live release of one app after the other, until one change fails.

    Args:
        context: The command's.
        fleets: Of the apps' hosts.
        hooks: App -> its hooks.
        plans: App -> what is to be made live.
        work: Does that, and returns the release that is live then, or "".

    Returns:
        The exit code.
    """
    conclusions: list[str] = []
    urls: list[str] = []
    refusal = ""
    try:
        for name, plan in plans.items():
            app = context.inventory.apps[name]
            fleet = fleets.of(app)
            release = seen_through(partial(work, fleet, plan, hooks[name]), fleet, hooks[name])
            if not release:
                break
            ill = [run.name for run in fleet.runs if not run.report.went_well]
            unfinished = f", and not finished on {', '.join(ill)}" if ill else ""
            conclusions.append(f"{name} {release} is live{unfinished}")
            urls.append(context.inventory.url_of(app))
            _say_who_was_left_out(context, app)
    except HomeportError:
        if not any(run.report.changed for run in fleets.runs):
            refusal = "nothing was done"
        raise
    finally:
        not_begun = list(plans)[len(conclusions) + 1 :]
        if not_begun:
            context.sink.note(f"nothing was done for {', '.join(not_begun)}")
        code = context.end(fleets.runs, conclusion="; ".join(conclusions) or refusal, next=urls)
    return code


def seen_through(work: Callable[[], R], fleet: Fleet, hooks: Hooks) -> R:
    """Do the work; if nothing comes of it, run the hooks that are for that.

    Not where nothing was done, and not for a person who has interrupted it.
    """
    try:
        result = work()
    except (ConfigurationError, InterruptedRunError):
        raise
    except HomeportError:
        hooks.run("after-failure")
        raise
    if not result and not fleet.interrupted:
        hooks.run("after-failure")
    return result


def _say_who_was_left_out(context: CommandContext, app: App) -> None:
    """Name the app's hosts that still have the release before."""
    deployed = {host.name for host in hosts_of(context, [app])}
    left = [host.name for host in context.inventory.hosts_of(app) if host.name not in deployed]
    if left:
        context.sink.note(
            f"{app.name} stays as it was on {', '.join(left)}: the next `fab deploy` of all "
            "hosts updates them"
        )


class Fleets:
    """The runs of a command, one per host, whatever the number of apps."""

    def __init__(self, context: CommandContext) -> None:
        self._context = context
        self._runs: dict[str, RemoteHost] = {}

    @property
    def runs(self) -> list[RemoteHost]:
        """The runs that were needed."""
        return list(self._runs.values())

    def hooks(self, app: App, command: Command) -> Hooks:
        """Return an app's hooks for this command.

        Raises:
            ConfigurationError: what they need is not there, or none of the hosts is the app's.
        """
        hosts = tuple(run.name for run in self.of(app).runs)
        say = self._context.sink.note
        return Hooks.of(self._context.inventory, app, command, by=who(), hosts=hosts, say=say)

    def of(self, app: App) -> Fleet:
        """Return the fleet of an app's hosts among the command's.

        Raises:
            ConfigurationError: none of them is the app's.
        """
        hosts = hosts_of(self._context, [app])
        for host in hosts:
            if host.name not in self._runs:
                self._runs[host.name] = self._context.run(host)
        return Fleet([self._runs[host.name] for host in hosts], self._context.options.parallel)
