"""`fab deploy`, `fab rollback`, `fab releases`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from provisioning.cli.context import CommandContext
from provisioning.cli.options import Options
from provisioning.cli.selection import (
    apps_here,
    apps_named,
    hosts_of,
)
from provisioning.deploy import releasing
from provisioning.deploy.artifact import build_artifact, commit_of
from provisioning.deploy.deployment import Deployment, plan_deployment
from provisioning.deploy.renewal import plan_renewal
from provisioning.deploy.requirement_sources import trusted_unseen
from provisioning.errors import (
    ConfigurationError,
    HomeportError,
    InterruptedRunError,
)
from provisioning.hooks import Command, Hooks
from provisioning.hosts.fleet import Fleet
from provisioning.hosts.host import RemoteHost, who

if TYPE_CHECKING:
    from provisioning.inventory.models.app import App

P = TypeVar("P")
R = TypeVar("R")


def deploy(options: Options, *, app: str = "", replace: bool = False) -> int:
    """Make a new release of the apps live, on all their hosts or on none.

    Args:
        options: What the person said.
        app: Only this app.
        replace: Stop the release before first: it has been compromised.

    Returns:
        The exit code.
    """
    context = CommandContext(options)
    apps = apps_here(context, app)
    fleets = _Fleets(context)
    hooks = {each.name: fleets.hooks(each, "deploy") for each in apps}
    # All that can be wrong on this machine is found before any host is asked.
    deployments = [
        _seen_through(
            partial(_built, context, each, hooks[each.name], replace),
            fleets.of(each),
            hooks[each.name],
        )
        for each in apps
    ]
    context.sink.begin(
        "Deploying " + ", ".join(f"{each.app.name} {each.release}" for each in deployments),
        [host.name for host in context.hosts],
    )
    for deployment in deployments:
        if deployment.artifact.dirty:
            context.sink.note(f"{deployment.app.name}: changes that are in no commit go along")
        for note in deployment.notes:
            context.sink.note(f"{deployment.app.name}: {note}")
        if said := trusted_unseen(deployment.artifact.listing, deployment.artifact.requirements):
            context.sink.note(f"{deployment.app.name}: {said}")
    plans = {each.app.name: each for each in deployments}
    return _in_turn(context, fleets, hooks, plans, releasing.deploy)


def _in_turn(
    context: CommandContext,
    fleets: _Fleets,
    hooks: Mapping[str, Hooks],
    plans: Mapping[str, P],
    work: Callable[[Fleet, P, Hooks], str],
) -> int:
    """Change the live release of one app after the other, until one comes to nothing.

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
    refusal = ""
    try:
        for name, plan in plans.items():
            app = context.inventory.apps[name]
            fleet = fleets.of(app)
            release = _seen_through(partial(work, fleet, plan, hooks[name]), fleet, hooks[name])
            if not release:
                break
            ill = [run.name for run in fleet.runs if not run.report.went_well]
            unfinished = f", and not finished on {', '.join(ill)}" if ill else ""
            conclusions.append(f"{name} {release} is live{unfinished}")
            _say_who_was_left_out(context, app)
    except HomeportError:
        if not any(run.report.changed for run in fleets.runs):
            refusal = "nothing was done"
        raise
    finally:
        not_begun = list(plans)[len(conclusions) + 1 :]
        if not_begun:
            context.sink.note(f"nothing was done for {', '.join(not_begun)}")
        code = context.end(fleets.runs, conclusion="; ".join(conclusions) or refusal)
    return code


def _built(context: CommandContext, app: App, hooks: Hooks, replace: bool) -> Deployment:
    source = context.inventory.source_of(app)
    hooks.tell(commit=commit_of(source))
    hooks.run("before-build")
    artifact = build_artifact(source, app.requirements, include=app.include)
    deployment = plan_deployment(context.inventory, app, artifact, who(), replace=replace)
    # A hook may have made a commit.
    hooks.tell(release=deployment.release, commit=artifact.commit)
    hooks.run("after-build")
    return deployment


def _seen_through(work: Callable[[], R], fleet: Fleet, hooks: Hooks) -> R:
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


def renew(
    options: Options,
    *,
    app: str = "",
    new_environment: bool,
    rotate: bool = False,
) -> int:
    """Make the live release of the apps anew: restart it, or give it another environment.

    Args:
        options: What the person said.
        app: Only this app.
        new_environment: Whether the environment is read anew, or stays as it is.
        rotate: Whether secrets that Homeport generates get new values.

    Returns:
        The exit code.
    """
    context = CommandContext(options)
    renewals = [
        plan_renewal(context.inventory, each, who(), new_environment=new_environment, rotate=rotate)
        for each in apps_here(context, app)
    ]
    fleets = _Fleets(context)
    command: Command = "deploy" if new_environment else "restart"
    hooks = {each.app.name: fleets.hooks(each.app, command) for each in renewals}
    verb = "New environment for" if new_environment else "Restarting"
    names = ", ".join(renewal.app.name for renewal in renewals)
    context.sink.begin(f"{verb} {names}", [host.name for host in context.hosts])
    plans = {each.app.name: each for each in renewals}
    return _in_turn(context, fleets, hooks, plans, releasing.renew_live)


def rollback(
    options: Options,
    *,
    app: str = "",
    to: str = "",
    force: bool = False,
) -> int:
    """Make an earlier release live again.

    Args:
        options: What the person said.
        app: The app; needed where there are several.
        to: The release; default: the one that was live before.
        force: Go back over a migration.

    Returns:
        The exit code.
    """
    context = CommandContext(options)
    apps = apps_here(context, app)
    if len(apps) > 1:
        raise ConfigurationError(
            "cannot tell which app to roll back: there are " + ", ".join(a.name for a in apps),
            hint=f"fab rollback --app {apps[0].name}",
        )
    fleets = _Fleets(context)
    hooks = {apps[0].name: fleets.hooks(apps[0], "rollback")}
    context.sink.begin(f"Rolling back {apps[0].name}", [host.name for host in context.hosts])
    tls = context.inventory.tls.method != "off"
    work = partial(releasing.rollback, to=to, tls=tls, by=who(), force=force)
    return _in_turn(context, fleets, hooks, {apps[0].name: apps[0]}, work)


def start(options: Options, *, app: str) -> int:
    """Make the release of an app live again that was stopped.

    Args:
        options: What the person said.
        app: The app.

    Returns:
        The exit code.
    """
    context = CommandContext(options)
    [found] = apps_named(context, app)
    fleets = _Fleets(context)
    hooks = {found.name: fleets.hooks(found, "restart")}
    context.sink.begin(f"Starting {found.name}", [host.name for host in context.hosts])
    tls = context.inventory.tls.method != "off"
    work = partial(releasing.start_stopped, tls=tls, by=who())
    return _in_turn(context, fleets, hooks, {found.name: found}, work)


def releases(options: Options, *, app: str = "") -> int:
    """Show what is there, what is live, since when, by whom, and how it ended.

    Returns:
        The exit code.
    """
    context = CommandContext(options)
    apps = apps_here(context, app)
    fleets = _Fleets(context)
    counts = []
    for each in apps:
        states = fleets.of(each).all(_question(each))
        for host, state in states.items():
            number = len(state["releases"])
            counts.append(f"{number} release{'s' * (number != 1)} of {each.name} on {host}")
            context.sink.table(
                f"{each.name} on {host}",
                ("release", "state", "since", "by", "commit"),
                list(_rows(state)),
            )
    return context.end(fleets.runs, conclusion="; ".join(counts))


def _say_who_was_left_out(context: CommandContext, app: App) -> None:
    """Name the app's hosts that still have the release before."""
    deployed = {host.name for host in hosts_of(context, [app])}
    left = [host.name for host in context.inventory.hosts_of(app) if host.name not in deployed]
    if left:
        context.sink.note(
            f"{app.name} stays as it was on {', '.join(left)}: the next `fab deploy` of all hosts "
            "brings them up"
        )


def _question(app: App) -> Callable[[RemoteHost], Any]:
    return lambda run: run.ask("app", app=app.name)


def _rows(state: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Yield a row for each release that is or was there, the newest first."""
    manifests = {each["release"]: each for each in state["releases"]}
    last: dict[str, Mapping[str, Any]] = {}
    built: dict[str, Mapping[str, Any]] = {}
    for line in state["history"]:
        if line["event"] in ENDINGS:
            # That it was stopped afterwards says less than why.
            before = last.get(line["release"], {}).get("event")
            if not (before in ("rolled_back", "stopped") and line["event"] == "retired"):
                last[line["release"]] = line
        if line["event"] == "built":
            built[line["release"]] = line
    for release in sorted({*manifests, *last}, reverse=True):
        manifest, line = manifests.get(release, {}), last.get(release, {})
        # What was pruned is known from the history only.
        about = manifest or built.get(release, {})
        at = line.get("at") or manifest.get("built")
        since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at)) if at else ""
        yield (
            release,
            _condition(release, state, manifest, line),
            since,
            str(line.get("by") or about.get("by", "")),
            str(about.get("commit", ""))[:7] + (" dirty" if about.get("dirty") else ""),
        )


ENDINGS = ("live", "failed", "rolled_back", "retired", "built", "stopped")
"""Events of a host's history that say how a release stands."""


def _condition(
    release: str, state: Mapping[str, Any], manifest: Mapping[str, Any], line: Mapping[str, Any]
) -> str:
    if release == state["live"]:
        return "live"
    event = line.get("event")
    if event == "failed":
        return f"failed at {line.get('at_state', '?')}"
    if event == "rolled_back":
        return "taken back"
    if lacks := state["lacks"].get(release):
        return f"its {lacks[0]} is gone"
    if event == "stopped":
        return "stopped"
    if release == state["previous"]:
        return "previous"
    if not manifest:
        return "pruned"
    return "kept" if event in ("live", "retired") else "built, never live"


class _Fleets:
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
