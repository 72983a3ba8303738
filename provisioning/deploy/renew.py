"""`fab restart` and `fab deploy --env-only`: the live release once more, under a new id.

What visitors have is switched as in any deploy: a renewed release that does not start, or
does not answer, never sees one. Nothing is uploaded: the code is the host's own.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from provisioning.agent.apps.runtimes import name_of
from provisioning.deploy.artifact import release_id
from provisioning.deploy.begin import begin
from provisioning.deploy.checks import must_be_on_one_release, must_be_whole
from provisioning.deploy.environment import (
    Environment,
    operators_environment,
    pack,
    propose_secrets,
    secret_names,
    shared_secrets,
)
from provisioning.deploy.phases import Change, Planner, Step
from provisioning.deploy.rollout import Rollout
from provisioning.deploy.runtimes import runtime
from provisioning.deploy.steps import process_check, release_running, timer_schedules
from provisioning.errors import ConfigurationError, DeployRefusedError
from provisioning.resources import Release, Resource, StaticFiles
from provisioning.roles import put_in_order_before, release_settings, release_units

if TYPE_CHECKING:
    from provisioning.agent.answers import AppState, ReleaseInfo
    from provisioning.agent.facts import Facts
    from provisioning.hooks import Hooks
    from provisioning.hosts.fleet import Fleet
    from provisioning.inventory import Inventory
    from provisioning.inventory.models.app import App


@dataclass(frozen=True)
class Renewal:
    """One app's live release, to be restarted or renewed on all its hosts.

    Args:
        app: The app.
        env: The environment as given by the operator; None keeps what the release has.
        https: Whether its site is served on 443.
        by: Who does this.
        proposed: Values for secrets that are to be generated; a host's own win.
        rotate: All that are generated get new values.
        notes: What a person should know of it.
        placed: Host -> the app as that host has it; see `Inventory.app_on`.
    """

    app: App
    env: Environment | None = field(repr=False)
    https: bool
    by: str
    proposed: Environment = field(default_factory=dict, repr=False)
    rotate: bool = False
    notes: tuple[str, ...] = ()
    placed: Mapping[str, App] = field(default_factory=dict, repr=False)

    def on(self, host: str) -> Renewal:
        """Return it as one host has it."""
        return replace(self, app=self.placed.get(host, self.app))

    @property
    def what(self) -> str:
        """What other commands show of it."""
        if self.rotate:
            return f"rotation of the secrets of {self.app.name}"
        return f"{'restart' if self.env is None else 'new environment'} of {self.app.name}"


def plan_renewal(
    inventory: Inventory, app: App, by: str, *, new_environment: bool, rotate: bool = False
) -> Renewal:
    """Gather what a renewal needs from the operator's machine.

    Raises:
        ConfigurationError: a secret is missing, or there is none to be rotated.
    """
    if rotate and not propose_secrets(app):
        raise ConfigurationError(
            f"{app.name} has no secrets that Homeport generates: there is nothing to rotate",
            hint="change other secrets at their source, then run fab deploy --env-only",
        )
    env, warnings = operators_environment(inventory, app) if new_environment else (None, ())
    proposed = propose_secrets(app) if rotate else {}
    return Renewal(
        app,
        env,
        https=inventory.tls.https,
        by=by,
        proposed=proposed,
        rotate=rotate,
        notes=tuple(f"warning: {each}" for each in warnings),
        placed={each.name: inventory.app_on(app, each.name) for each in inventory.hosts_of(app)},
    )


def renewed_id(live: str) -> str:
    """Return an id for a release with the code of another."""
    return release_id(time.time(), live.rpartition("-")[2])


def build_again(
    renewal: Renewal, release: str, live: ReleaseInfo, facts: Facts
) -> Iterator[Resource]:
    """Yield what the renewed release needs before it may go live.

    Args:
        renewal: What is wanted.
        release: Its new id.
        live: The host's live release.
        facts: The host's.
    """
    app = renewal.app
    runs_on = runtime(app.runtime).keep(app, live)
    yield from timer_schedules(app)
    yield from put_in_order_before(app)
    yield Release(
        app=app.name,
        release=release,
        files={},
        base=live.release,
        shared=app.all_shared,
        shared_files=tuple(app.shared_files),
        static=dict(live.static or {}),
        # Those that it had stay masked, whatever the inventory says now.
        secrets=tuple(dict.fromkeys((*(live.secrets or ()), *secret_names(app, renewal.env)))),
        runtime=runs_on.path,
        python=runs_on.python,
        parts=runs_on.parts,
        settings=release_settings(app, facts, release),
        units=release_units(app, facts, release),
        env="null" if renewal.env is None else pack(renewal.env),
        proposed=pack(renewal.proposed),
        rotate=renewal.rotate,
        about={
            "by": renewal.by,
            "commit": live.commit,
            "dirty": live.dirty,
            "migrates": "",
            "renews": live.release,
        },
    )
    yield StaticFiles(app.name, release)
    yield from runtime(app.runtime).check(app, release, facts)
    yield release_running(app, release)
    yield process_check(app, release, known=True)


def renew(fleet: Fleet, renewal: Renewal, hooks: Hooks) -> str:
    """Make the live release of every host once more, and that one live.

    Returns:
        The release that is live now; "" if it came to nothing.

    Raises:
        DeployRefusedError: hosts have different live releases, or one that is not whole; or a hook
            kept it from going live.
        ConfigurationError: hosts have different generated secrets.
    """
    app = renewal.app
    with fleet.together():
        begun = begin(
            fleet, app, renewal.what, hooks, repeats=renewal.env is None and not renewal.rotate
        )
        if not begun.states:
            return begun.instead
        states = begun.states
        must_be_on_one_release(app, states)
        live = {host: live_release(app, host, state) for host, state in states.items()}
        for host, manifest in live.items():
            must_be_whole(app, {host: states[host]}, manifest.release)
        if renewal.env is not None:
            renewal = replace(renewal, proposed=shared_secrets(fleet, app, states))
        before = next(iter(live.values()))
        release = renewed_id(before.release)
        commit = before.commit
        hooks.tell(release=release, previous=before.release, commit=commit)
        change = Change(app, release, renewal.https, renewal.by)
        planner = Planner(change, begun, hooks)
        again = {
            host: build_again(renewal.on(host), release, live[host], facts)
            for host, facts in planner.facts.items()
        }
        done = Rollout(fleet, change, planner.plan(Step(None, again)), hooks).carry_out()
        return release if done else ""


def live_release(app: App, host: str, state: AppState) -> ReleaseInfo:
    """Return a host's live release.

    Raises:
        DeployRefusedError: there is none, its manifest does not say what is needed, or it runs on
            something else than the inventory says.
    """
    live = next((each for each in state.releases if each.release == state.live), None)
    if live is None:
        raise DeployRefusedError(f"{app.name} has no live release on {host}", hint="fab deploy")
    needed = {"static": live.static, "secrets": live.secrets, "python": live.python}
    lacking = [name for name, value in needed.items() if value is None]
    if lacking or not live.runtime:
        raise DeployRefusedError(
            f"cannot restart release {live.release} of {app.name}: on {host} its manifest does "
            f"not name its {(*lacking, 'runtime')[0]}",
            hint="fab deploy, which builds a complete release",
        )
    runs_on = name_of(live.runtime) or "runtime that this Homeport does not know"
    if runs_on != app.runtime:
        raise DeployRefusedError(
            f"cannot restart release {live.release} of {app.name}: it runs in a {runs_on}, and the "
            f'inventory says runtime = "{app.runtime}"',
            hint="fab deploy, which builds a release for that",
        )
    return live
