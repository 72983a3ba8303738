"""The use cases of a release: deploy it, renew it, go back to it, on all hosts of an app."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from provisioning.agent.apps.releases import RELEASE_ID
from provisioning.deploy.checks import (
    lost_virtualenvs,
    must_be_on_one_release,
    must_be_whole,
    refuse_over_migration,
    release_to_revive,
    stopped_release,
)
from provisioning.deploy.deployment import (
    Deployment,
    build,
    migrate,
    propose_secrets,
    revive,
    start,
)
from provisioning.deploy.renewal import (
    Renewal,
    renew,
    renewed_id,
)
from provisioning.deploy.rollout import Rollout
from provisioning.errors import (
    ConfigurationError,
    DeployRefusedError,
    UnreachableError,
)
from provisioning.hosts.fleet import Fleet
from provisioning.roles import put_in_order_before

if TYPE_CHECKING:
    from provisioning.agent.resource import Resource
    from provisioning.hooks import Hooks
    from provisioning.hosts.host import RemoteHost
    from provisioning.inventory.models.app import App
    from provisioning.protocol.session import Begun

State = Mapping[str, Any]
"""What a host says of an app: see agent/questions.py."""


def deploy(fleet: Fleet, deployment: Deployment, hooks: Hooks) -> str:
    """Make a new release live on every host, or on none.

    Returns:
        The release that is live now; "" if it came to nothing. It is another one with the same
        code where somebody was quicker.

    Raises:
        DeployRefusedError: a hook on the controller kept it from going live.
    """
    app = deployment.app
    with fleet.together():
        begun = _begin(fleet, app, deployment.what, hooks, repeats=deployment.is_reproducible)
        if not begun.states:
            return begun.instead
        states = begun.states
        _must_be_provisioned(app, states)
        deployment = replace(
            deployment, proposed=_shared_secrets(fleet, app, states), lost=lost_virtualenvs(states)
        )
        hooks.tell(previous=str(states[fleet.runs[0].name]["live"]))
        # What was stopped to be replaced is nothing to go back to.
        before = {} if deployment.replace else _live_releases(states)
        rollout = Rollout(
            fleet,
            app,
            deployment.release,
            before,
            tls=deployment.tls,
            by=deployment.by,
            hooks=hooks,
        )

        def migration(run: RemoteHost) -> Iterator[Resource]:
            if app.migrate and run is fleet.runs[0]:
                yield from rollout.hooked("before-migrate")(run)
                yield from migrate(app, deployment.release, run.known_facts)
                yield from rollout.hooked("after-migrate")(run)

        done = rollout.carry_out(
            (None, lambda run: build(deployment, run.known_facts)),
            ("before-migrate", migration),
            ("after-migrate", lambda _: start(app, deployment.release)),
        )
        return deployment.release if done else ""


def renew_live(fleet: Fleet, renewal: Renewal, hooks: Hooks) -> str:
    """Make the live release of every host anew, and that one live.

    Returns:
        The release that is live now; "" if it came to nothing.
    """
    app = renewal.app
    with fleet.together():
        begun = _begin(
            fleet, app, renewal.what, hooks, repeats=renewal.env is None and not renewal.rotate
        )
        if not begun.states:
            return begun.instead
        states = begun.states
        must_be_on_one_release(app, states)
        live = {host: _live_manifest(app, host, state) for host, state in states.items()}
        for host, manifest in live.items():
            must_be_whole(app, {host: states[host]}, str(manifest["release"]))
        if renewal.env is not None:
            renewal = replace(renewal, proposed=_shared_secrets(fleet, app, states))
        before = live[fleet.runs[0].name]
        release = renewed_id(str(before["release"]))
        commit = str(before.get("commit", ""))
        hooks.tell(release=release, previous=str(before["release"]), commit=commit)
        rollout = Rollout(
            fleet,
            app,
            release,
            _live_releases(states),
            tls=renewal.tls,
            by=renewal.by,
            hooks=hooks,
        )
        done = rollout.carry_out(
            (None, lambda run: renew(renewal, release, live[run.name], run.known_facts))
        )
        return release if done else ""


def _live_manifest(app: App, host: str, state: State) -> Mapping[str, Any]:
    for manifest in state["releases"]:
        if manifest["release"] == state["live"]:
            found: Mapping[str, Any] = manifest
            if lacking := [name for name in ("static", "secrets", "venv") if name not in found]:
                raise DeployRefusedError(
                    f"cannot make release {found['release']} of {app.name} anew: on {host} its "
                    f"manifest does not say its {lacking[0]}",
                    hint="fab deploy, which builds a whole release",
                )
            return found
    raise DeployRefusedError(f"{app.name} has no live release on {host}", hint="fab deploy")


def start_stopped(fleet: Fleet, app: App, hooks: Hooks, *, tls: bool, by: str) -> str:
    """Make the release that was stopped live again on every host.

    Returns:
        The release that is live now; "" if it came to nothing.
    """
    with fleet.together():
        begun = _begin(fleet, app, f"start of {app.name}", hooks, repeats=True)
        if not begun.states:
            return begun.instead
        states = begun.states
        release = stopped_release(app, states)
        must_be_whole(app, states, release)
        hooks.tell(release=release, **_about(states[fleet.runs[0].name], release))
        rollout = Rollout(fleet, app, release, _live_releases(states), tls=tls, by=by, hooks=hooks)
        done = rollout.carry_out(
            (None, lambda _: put_in_order_before(app)),
            (None, lambda run: revive(app, release, run.known_facts)),
        )
        return release if done else ""


def rollback(
    fleet: Fleet, app: App, hooks: Hooks, *, to: str, tls: bool, by: str, force: bool
) -> str:
    """Make an earlier release live again on every host.

    Args:
        fleet: The app's hosts.
        app: The app.
        hooks: Its hooks.
        to: The release's id, or a beginning of it that no other has; "" for the one before.
        tls: Whether the site is served on 443.
        by: Who does this.
        force: Go back over a migration that was not declared compatible.

    Returns:
        The release that is live now; "" if it came to nothing.
    """
    with fleet.together():
        what = f"rollback of {app.name}" + (f" to {to}" if to else "")
        begun = _begin(fleet, app, what, hooks, repeats=True)
        if not begun.states:
            return begun.instead
        states = begun.states
        release = release_to_revive(app, states, to)
        must_be_whole(app, states, release)
        if not force and not app.migrate_compatible:
            refuse_over_migration(app, states, release)
        hooks.tell(release=release, **_about(states[fleet.runs[0].name], release))
        rollout = Rollout(
            fleet,
            app,
            release,
            _live_releases(states),
            tls=tls,
            by=by,
            hooks=hooks,
            rollback=True,
        )
        done = rollout.carry_out(
            (None, lambda _: put_in_order_before(app)),
            ("before-rollback", rollout.hooked("before-rollback")),
            (None, lambda run: revive(app, release, run.known_facts)),
        )
        return release if done else ""


def _live_releases(states: Mapping[str, State]) -> dict[str, str]:
    return {host: str(state["live"]) for host, state in states.items()}


def _about(state: State, release: str) -> dict[str, str]:
    """Return what hooks are told of a release that is there already."""
    commits = [each.get("commit", "") for each in state["releases"] if each["release"] == release]
    return {"previous": str(state["live"]), "commit": str(commits[0]) if commits else ""}


@dataclass(frozen=True)
class _Begun:
    """How a use case has begun.

    Args:
        states: Of every host, which is ours now; empty where not all of them are.
        instead: The release that is live because somebody else has done the same meanwhile.
    """

    states: Mapping[str, State] = field(default_factory=dict)
    instead: str = ""


def _begin(fleet: Fleet, app: App, what: str, hooks: Hooks, *, repeats: bool) -> _Begun:
    """Get hold of every host, and ask it what is there of an app, and for its facts.

    A host at which a release is being changed already is watched instead, to its end.

    Args:
        fleet: The app's hosts.
        app: The app.
        what: What is to be done, in the words in which others are told of it.
        hooks: The app's.
        repeats: Whether another command that says the same of itself does the very same.

    Raises:
        DeployRefusedError: what was under way there is something else than we are to do.
    """
    if fleet.begin(what):
        states = _states(fleet, app)
        return _Begun(states if len(states) == len(fleet.runs) else {})
    watched = _watch(fleet)
    if watched:
        hooks.leave_it()
    _say_who_waits(fleet)
    if not watched or fleet.interrupted:
        return _Begun()
    for begun in watched.values():
        if _kind(begun.what) != _kind(what) or not repeats:
            raise DeployRefusedError(
                f"the {_kind(what)} was not done: {begun.what} by {begun.who} was under way",
                hint="run it again if it is still to be done",
            )
    if not all(run.report.went_well for run in watched):
        return _Begun()
    if others := [run.name for run in fleet.runs if run not in watched]:
        raise DeployRefusedError(
            f"the {_kind(what)} was not done on {', '.join(others)}: by another command it was "
            f"under way on {', '.join(run.name for run in watched)} only",
            hint="run it again",
        )
    # Several commands may have been watched, each a restart of hosts of its own.
    states = _states(fleet, app)
    must_be_on_one_release(app, states)
    return _Begun(instead=next((str(state["live"]) for state in states.values()), ""))


def _kind(what: str) -> str:
    """Return what a run is, in the words in which others are told of it: the same at any time.

    Of a release that is the commit.
    """
    return RELEASE_ID.sub(lambda found: found[0].rpartition("-")[2], what)


def _watch(fleet: Fleet) -> dict[RemoteHost, Begun]:
    """Follow what others do on our hosts, as if it were ours; return what it was."""
    others = fleet.current_run()
    for run, begun in others.items():
        run.report.error = None
        ago_s = max(0, int(time.time() - begun.began))
        run.note(f"{begun.what} by {begun.who} is under way since {ago_s} s: watching it; "
                 "Ctrl-C leaves it alone")  # fmt: skip
    Fleet(list(others), fleet.parallel).all(lambda run: run.watch(others[run].run))
    return others


def _say_who_waits(fleet: Fleet) -> None:
    """Say what a host that is down means for the others."""
    down = [run.name for run in fleet.runs if isinstance(run.report.error, UnreachableError)]
    others = [run for run in fleet.runs if not run.report.error]
    if down:
        limit = ",".join(run.name for run in others)
        for run in others:
            run.note(
                f"nothing was done: {', '.join(down)} cannot be reached, and all hosts of an "
                f"app go live together; --limit {limit} goes on without"
            )


def _states(fleet: Fleet, app: App) -> dict[str, State]:
    """Ask every host what is there of an app, and for its facts."""
    salt = secrets.token_hex(8)

    def ask(run: RemoteHost) -> Any:
        run.known_facts = run.facts()
        return run.ask("app", app=app.name, salt=salt)

    return fleet.all(ask)


def _must_be_provisioned(app: App, states: Mapping[str, State]) -> None:
    bare = [host for host, state in states.items() if not state["provisioned"]]
    if bare:
        raise DeployRefusedError(
            f"cannot deploy {app.name} to {', '.join(bare)}: not provisioned for it yet",
            hint=f"fab -H {','.join(bare)} provision",
        )


def _shared_secrets(fleet: Fleet, app: App, states: Mapping[str, State]) -> dict[str, str]:
    """Return the generated secrets, the same for all hosts: theirs where they have any."""
    held = {host: state["secrets"] for host, state in states.items()}
    known: dict[str, str] = {}
    for name in propose_secrets(app):
        holders = {host: digests[name] for host, digests in held.items() if name in digests}
        if len(set(holders.values())) > 1:
            raise ConfigurationError(
                f"the generated secret {name} of {app.name} differs between {', '.join(holders)}",
                hint=f"decide for one: remove {name} from /srv/{app.name}/secrets.json on the "
                "other hosts, then deploy again",
            )
        if holders and len(holders) < len(fleet.runs):
            holder = next(run for run in fleet.runs if run.name in holders)
            values = Fleet([holder]).all(lambda run: run.ask("secrets", app=app.name))
            if name not in values.get(holder.name, {}):
                raise DeployRefusedError(
                    f"cannot deploy {app.name}: {holder.name} does not tell the generated secret "
                    f"{name} that it has, and all hosts must have the same",
                    hint=f"look into /srv/{app.name}/secrets.json there",
                )
            known[name] = values[holder.name][name]
    return propose_secrets(app, known)
