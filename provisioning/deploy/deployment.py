"""Deploy, roll back, and look at releases: plans of resources like any other.

    build     release, virtualenv, static files, import
    migrate   the database, on one host
    start     start and gate, processes
    switch      the pointer, verified through the web server
    finish    processes, timers; drain, retire, prune

All hosts are ready before any of them switches: a release that one host refuses goes live
on none.
"""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from provisioning.agent.layout import UV, AppLayout
from provisioning.deploy.processes import calendars, trial
from provisioning.deploy.release_links import check_links
from provisioning.resources import (
    KeptSecrets,
    LiveProcesses,
    LiveRelease,
    OldReleasesStopped,
    OneOff,
    Packages,
    Pruned,
    Release,
    ReleaseRunning,
    Resource,
    StaticFiles,
    Stopped,
    Superseded,
    Virtualenv,
)
from provisioning.roles import (
    APP_SERVERS,
    put_in_order_before,
    release_units,
    sandbox_properties,
)
from provisioning.secrets import (
    GenerateSource,
    Secret,
    fetch_secrets,
    generate_secret,
)

if TYPE_CHECKING:
    from provisioning.agent.facts import Facts
    from provisioning.deploy.artifact import Artifact
    from provisioning.inventory import Inventory
    from provisioning.inventory.models.app import App

IMPORT_TIMEOUT_S = 120
MIGRATE_TIMEOUT_S = 3600

VIRTUALENV_FORMAT = "2"
"""With another one virtualenvs are made anew: those of format 1 shared a cache with all apps."""


@dataclass(frozen=True)
class Deployment:
    """One app's new release, the same on all its hosts.

    Args:
        app: The app.
        artifact: Its files.
        env: The environment as given: plain values and secrets fetched from the operator.
        proposed: Values for secrets that are to be generated; a host's own win.
        tls: Whether its site is served on 443.
        by: Who deploys.
        replace: Stop the release before first, and believe nothing that it or its build has left.
        notes: What a person should know of the files before they travel.
        lost: Names of virtualenvs for a Python that is gone: what still runs from them may go on.
    """

    app: App
    artifact: Artifact
    env: Mapping[str, str] = field(repr=False)
    proposed: Mapping[str, str] = field(repr=False)
    tls: bool
    by: str
    replace: bool = False
    notes: tuple[str, ...] = ()
    lost: frozenset[str] = frozenset()

    @property
    def release(self) -> str:
        """The release's id."""
        return self.artifact.release

    @property
    def what(self) -> str:
        """What others are told that it is."""
        changed = " with changes that are in no commit" if self.artifact.dirty else ""
        kind = "replacement" if self.replace else "deploy"
        return f"{kind} of {self.app.name} {self.release}{changed}"

    @property
    def is_reproducible(self) -> bool:
        """Whether its commit tells all that there is to know of its code."""
        return bool(self.artifact.commit) and not self.artifact.dirty


def plan_deployment(
    inventory: Inventory, app: App, artifact: Artifact, by: str, *, replace: bool = False
) -> Deployment:
    """Gather what a release needs from the operator's machine.

    Raises:
        ConfigurationError: a secret is missing, or a link leads out of the release.
    """
    notes = check_links(app, artifact.files, artifact.links)
    if artifact.compiled:
        notes.append(
            f"left out what Python has compiled, {artifact.compiled[0]}"
            + (f" and {len(artifact.compiled) - 1} more" if len(artifact.compiled) > 1 else "")
            + ": each host compiles its own"
        )
    return Deployment(
        app=app,
        artifact=artifact,
        env=operators_environment(inventory, app),
        proposed=propose_secrets(app),
        tls=inventory.tls.method != "off",
        by=by,
        replace=replace,
        notes=tuple(notes),
    )


def operators_environment(inventory: Inventory, app: App) -> dict[str, str]:
    """Return an app's environment but for secrets that are generated.

    Raises:
        ConfigurationError: a secret is missing.
    """
    fetched = fetch_secrets(
        app.secrets, of=f"apps.{app.name}.secrets", directory=inventory.path.parent
    )
    return {**app.env, **{name: value.reveal() for name, value in fetched.values.items()}}


def propose_secrets(app: App, known: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return values for the secrets that are to be generated.

    Args:
        app: The app.
        known: Values that a host of the app has already; they must be the same everywhere.
    """
    proposed = {}
    for name, source in app.secrets.items():
        if isinstance(source, GenerateSource):
            value = (known or {}).get(name)
            secret = Secret(value) if value else generate_secret(source.generate)
            proposed[name] = secret.reveal()
    return proposed


def build(deployment: Deployment, facts: Facts) -> Iterator[Resource]:
    """Yield what makes a release that can be imported; visitors see none of it."""
    app, artifact = deployment.app, deployment.artifact
    server = APP_SERVERS[app.server]
    venv = virtualenv(
        app, artifact, facts, fresh_for=deployment.release if deployment.replace else ""
    )
    if PurePosixPath(venv.path).name in deployment.lost:
        venv = virtualenv(app, artifact, facts, fresh_for=deployment.release)
    yield from calendars(app)
    yield from put_in_order_before(app)
    if app.packages:
        yield Packages(f"{app.name} (deploy)", tuple(app.packages))
    yield venv
    yield Release(
        app=app.name,
        release=deployment.release,
        files=artifact.files,
        executables=artifact.executables,
        links=artifact.links,
        shared=tuple(app.shared),
        static=dict(app.static),
        secrets=tuple(app.secrets),
        venv=venv.path,
        python=venv.python,
        server=server.server_config(app, facts, deployment.release),
        units=release_units(app, facts, deployment.release),
        env=json.dumps(deployment.env),
        proposed=json.dumps(deployment.proposed),
        about={
            "by": deployment.by,
            "commit": artifact.commit,
            "dirty": "yes" if artifact.dirty else "",
            "migrates": "yes" if app.migrate else "",
        },
    )
    yield StaticFiles(app.name, deployment.release)
    if deployment.replace:
        # From here on nothing of it could keep the new release from starting.
        yield Stopped(app.name, by=deployment.by, at_once=True)
    yield import_probe(app, deployment.release, facts)


def migrate(app: App, release: str, facts: Facts) -> Iterator[Resource]:
    """Yield what brings the database up to date: once per deploy, on one host."""
    if app.migrate:
        yield OneOff(
            app.name,
            release,
            "migrate",
            tuple(shlex.split(app.migrate)),
            tuple(sandbox_properties(app, facts)),
            hint="the database may be half way; visitors have seen nothing of it",
            timeout_s=MIGRATE_TIMEOUT_S,
        )


def start(app: App, release: str) -> Iterator[Resource]:
    """Yield what has a release run, and shows that it and its processes can."""
    yield instance(app, release)
    yield trial(app, release, known=True)


def switch(
    app: App,
    release: str,
    *,
    tls: bool,
    by: str,
    rollback: bool = False,
    reverts: str = "",
) -> Iterator[Resource]:
    """Yield what makes a prepared release the live one; arguments as of `LiveRelease`."""
    host = app.domains[0]
    yield LiveRelease(
        app.name,
        release,
        app.health,
        host,
        tls=tls,
        by=by,
        rollback=rollback,
        reverts=reverts,
        drain_timeout_s=app.drain_timeout_s,
    )
    if release:
        yield StaticFiles(app.name, release, replace=True)


def finish(app: App) -> Iterator[Resource]:
    """Yield what is left to do once the live release will stay."""
    yield from abort(app)
    yield KeptSecrets(app.name, label="after")
    yield Superseded(app.name, label="after")
    yield Pruned(app.name, app.keep_releases)


def revert(app: App, before: str, release: str, *, tls: bool, by: str) -> Iterator[Resource]:
    """Yield what makes the release before live again, since it went wrong on another host.

    Args:
        app: The app.
        before: Its id; "" where there was none.
        release: The one that is taken back.
        tls: Whether the site is served on 443.
        by: Who does this.
    """
    yield from switch(app, before, tls=tls, by=by, reverts=release)
    yield from abort(app)


def abort(app: App) -> Iterator[Resource]:
    """Yield what stops every release but the live one, and has that one's processes run."""
    yield LiveProcesses(app.name, label="after")
    yield OldReleasesStopped(app.name, drain_timeout_s=app.drain_timeout_s, label="after")


def revive(app: App, release: str, facts: Facts) -> Iterator[Resource]:
    """Yield what a release that was live before needs to go live again; all is in order there."""
    yield StaticFiles(app.name, release)
    yield import_probe(app, release, facts)
    yield instance(app, release)
    yield trial(app, release)


def import_probe(app: App, release: str, facts: Facts) -> OneOff:
    """Return a program that imports the app once, as its user, in its sandbox."""
    module, _, target = app.wsgi.partition(":")
    code = f"import {module} as module; module.{target or 'application'}"
    return OneOff(
        app.name,
        release,
        "import",
        (f"{AppLayout(app.name).release(release)}/venv/bin/python", "-c", code),
        tuple(sandbox_properties(app, facts)),
        hint="correct it and deploy again; visitors have seen nothing of it",
        timeout_s=IMPORT_TIMEOUT_S,
    )


def instance(app: App, release: str) -> ReleaseRunning:
    """Return the release as it runs and answers on its own socket."""
    return ReleaseRunning(app.name, release, app.health, app.domains[0], app.start_timeout_s)


def virtualenv(app: App, artifact: Artifact, facts: Facts, *, fresh_for: str = "") -> Virtualenv:
    """Return the virtualenv of a release; releases with the same requirements share it.

    Args:
        app: The app.
        artifact: The release's files.
        facts: Of the host.
        fresh_for: A release that shares it with no other; "" for one that may.
    """
    extra = APP_SERVERS[app.server].requirements(app)
    key = hashlib.sha256(f"{VIRTUALENV_FORMAT}\0".encode())
    for name, content in sorted(artifact.requirements.items()):
        key.update(f"{name}\0".encode() + hashlib.sha256(content).digest())
    for name, line in sorted(extra.items()):
        key.update(f"{name}\0{line}\0".encode())
    key.update(f"{fresh_for}\0{app.python}\0{facts.python}\0{facts.architecture}".encode())
    python = app.python if app.python.startswith("/") else f"/usr/bin/{app.python}"
    return Virtualenv(
        path=f"{AppLayout(app.name).venvs}/{key.hexdigest()[:16]}",
        owner=app.name,
        files=artifact.requirements,
        listing=artifact.listing,
        require_hashes=artifact.has_hashes,
        extra=extra,
        hosts=tuple(app.build_hosts),
        fresh=bool(fresh_for),
        python=python,
        uv=f"{UV}/bin/uv",
    )
