"""The steps of a deploy and a rollback: plans of resources like any other.

build     what it runs on, release, static files
setup     what an app needs once, on one host
check     that it can be run
migrate   the database, on one host
start     start and gate, processes
switch    the pointer, verified through the web server
finish    processes, timers; drain, retire, prune
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from provisioning.agent.answers import MIGRATES_FIRST
from provisioning.deploy.environment import pack, secret_names
from provisioning.deploy.migration_state import migration_state
from provisioning.deploy.runtimes import runtime
from provisioning.resources import (
    KeptSecrets,
    LiveProcesses,
    LiveRelease,
    OldReleasesStopped,
    OneOff,
    Packages,
    ProcessCheck,
    Pruned,
    Release,
    ReleaseRunning,
    Resource,
    StaticCopies,
    StaticFiles,
    Stopped,
    Superseded,
    TimerSchedules,
    UnusedPythons,
)
from provisioning.roles import (
    media_folders,
    put_in_order_before,
    release_settings,
    release_units,
    sandbox_properties,
    timers_of,
    web_server,
)

if TYPE_CHECKING:
    from provisioning.agent.facts import Facts
    from provisioning.deploy.deployment import Deployment
    from provisioning.inventory.models.app import App

MIGRATE_TIMEOUT_S = 3600
DEFAULT_SETTLE_S = 3
"""Of an earlier release's processes, where the inventory has none any more."""


def build(deployment: Deployment, facts: Facts) -> Iterator[Resource]:
    """Yield the resources that build a release; visitors notice nothing."""
    app, artifact = deployment.app, deployment.artifact
    runs_on = runtime(app.runtime).prepare(deployment, facts)
    yield from timer_schedules(app)
    yield from put_in_order_before(app)
    if app.packages:
        yield Packages(f"{app.name} (deploy)", tuple(app.packages))
    yield from runs_on.resources
    yield Release(
        app=app.name,
        release=deployment.release,
        files=artifact.files,
        executables=artifact.executables,
        links=artifact.links,
        shared=app.all_shared,
        shared_files=tuple(app.shared_files),
        static={app.at(url): folder for url, folder in app.static.items()},
        secrets=secret_names(app, deployment.env),
        runtime=runs_on.path,
        python=runs_on.python,
        parts=runs_on.parts,
        settings=release_settings(app, facts, deployment.release),
        units=release_units(app, facts, deployment.release),
        env=pack(deployment.env),
        proposed=pack(deployment.proposed),
        build=tuple(each.argv for each in app.build),
        build_env=pack(dict(app.env) if app.build else {}),
        build_secrets=pack(deployment.build_secrets if app.build else {}),
        build_hosts=app.build_hosts,
        about={
            "by": deployment.by,
            "commit": artifact.commit,
            "dirty": "yes" if artifact.dirty else "",
            "migrates": _migrates(app),
        },
    )
    yield StaticFiles(app.name, deployment.release)
    if app.media:
        # Some of them may be as old as this release.
        yield media_folders(app)
    if deployment.replace:
        # From here on nothing of it could keep the new release from starting.
        yield Stopped(app.name, by=deployment.by, at_once=True)


def _migrates(app: App) -> str:
    """Return what a release says of its migration: see `ReleaseInfo`."""
    if not app.migrate:
        return ""
    return MIGRATES_FIRST if app.migrate_first else "yes"


def check(app: App, release: str, facts: Facts) -> Sequence[Resource]:
    """Return what shows that a release can be run."""
    return runtime(app.runtime).check(app, release, facts)


def setup(app: App, release: str, facts: Facts) -> Iterator[Resource]:
    """Yield what an app needs once, before anything of it is imported: on one host."""
    if app.setup:
        yield OneOff(
            app.name,
            release,
            "setup",
            app.setup.argv,
            tuple(sandbox_properties(app, facts)),
            hint="what it has done stays; no traffic reached this release",
            timeout_s=MIGRATE_TIMEOUT_S,
            # Once it has succeeded the host does not run the same again, whatever comes after it.
            occasion=shlex.join(app.setup.argv),
        )


def migrate(app: App, release: str, facts: Facts) -> Iterator[Resource]:
    """Yield what brings the database up to date: once per deploy, on one host."""
    if app.migrate:
        asked = migration_state(app)
        yield OneOff(
            app.name,
            release,
            "migrate",
            app.migrate.argv,
            tuple(sandbox_properties(app, facts)),
            hint="the database may be partly migrated; no traffic reached this release",
            timeout_s=MIGRATE_TIMEOUT_S,
            asks=asked.argv,
            asks_pattern=asked.pattern,
        )


def start(app: App, release: str) -> Iterator[Resource]:
    """Yield what has a release run, and shows that it and its processes can."""
    yield release_running(app, release)
    yield process_check(app, release, known=True)


def switch(
    app: App,
    release: str,
    *,
    https: bool,
    by: str,
    rollback: bool = False,
    reverts: str = "",
) -> Iterator[Resource]:
    """Yield what makes a prepared release the live one; arguments as of `LiveRelease`."""
    host = app.domains[0]
    yield LiveRelease(
        app.name,
        release,
        app.at(app.health),
        host,
        tls=https,
        by=by,
        rollback=rollback,
        reverts=reverts,
        drain_timeout_s=app.drain_timeout_s,
        logs=web_server(app.web_server).LOGS,
        statuses=app.health_status,
        answer_timeout_s=app.health_timeout_s,
    )
    if release:
        yield StaticFiles(app.name, release, replace=True)


def finish(app: App) -> Iterator[Resource]:
    """Yield the resources that complete a change once the live release stays live."""
    yield from abort(app)
    yield KeptSecrets(app.name, label="after")
    yield Superseded(app.name, label="after")
    yield Pruned(app.name, app.keep_releases)
    yield UnusedPythons("after")
    yield StaticCopies(app.name)


def revert(app: App, before: str, release: str, *, https: bool, by: str) -> Iterator[Resource]:
    """Yield what makes the release before live again, since it went wrong on another host.

    Args:
        app: The app.
        before: Its id; "" where there was none.
        release: The one that is reverted.
        https: Whether the site is served on 443.
        by: Who does this.
    """
    yield from switch(app, before, https=https, by=by, reverts=release)
    yield from abort(app)


def abort(app: App) -> Iterator[Resource]:
    """Yield what stops every release but the live one, and has that one's processes run."""
    yield LiveProcesses(app.name, label="after")
    yield OldReleasesStopped(app.name, drain_timeout_s=app.drain_timeout_s, label="after")


def revive(app: App, release: str) -> Iterator[Resource]:
    """Yield what a release that was live before needs to go live again; all is in order there."""
    yield StaticFiles(app.name, release)
    yield release_running(app, release)
    yield process_check(app, release)


def release_running(app: App, release: str) -> ReleaseRunning:
    """Return the release as it runs and answers on its own socket."""
    health = app.at(app.health)
    return ReleaseRunning(
        app.name,
        release,
        health,
        app.domains[0],
        app.start_timeout_s,
        statuses=app.health_status,
        answer_timeout_s=app.health_timeout_s,
    )


def timer_schedules(app: App) -> Iterator[TimerSchedules]:
    """Yield that the host understands when timers are to run; asked before anything is done."""
    if app.timers:
        yield TimerSchedules(app.name, {name: timer.at for name, timer in app.timers.items()})


def process_check(app: App, release: str, *, known: bool = False) -> ProcessCheck:
    """Return the processes of a release as they run before it goes live.

    Args:
        app: The app.
        release: The release's id.
        known: It is made of this inventory. An earlier release runs what it was made with,
            whatever the inventory says now.
    """
    programs = {f"process {name}": each.run.program for name, each in app.processes.items()}
    timers = timers_of(app, release)
    programs.update({f"timer {name}": each.run.program for name, each in timers.items()})
    return ProcessCheck(
        app.name,
        release,
        programs if known else {},
        settle_s=max((each.settle_s for each in app.processes.values()), default=DEFAULT_SETTLE_S),
        drain_timeout_s=app.drain_timeout_s,
    )
