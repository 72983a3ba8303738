"""A virtualenv: releases with the same requirements share one."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from provisioning.agent.layout import READY, UV, AppLayout
from provisioning.deploy.environment import pack
from provisioning.deploy.import_check import import_program
from provisioning.deploy.interpreter import interpreter
from provisioning.deploy.requirements.choice import WITHOUT_CHOICE
from provisioning.deploy.runtimes import Prepared
from provisioning.resources import OneOff, Resource, Virtualenv
from provisioning.roles import app_server, sandbox_properties

if TYPE_CHECKING:
    from provisioning.agent.answers import ReleaseInfo
    from provisioning.agent.facts import Facts
    from provisioning.deploy.artifact import Artifact
    from provisioning.deploy.deployment import Deployment
    from provisioning.inventory.models.app import App

PARTS = {"virtualenv": f"venv/{READY}", "interpreter": "venv/bin/python"}
"""What a release is whole with: name -> path below it."""

VIRTUALENV_FORMAT = "2"
"""With another one virtualenvs are made anew: those of format 1 shared a cache with all apps."""

IMPORT_TIMEOUT_S = 120


def prepare(deployment: Deployment, facts: Facts) -> Prepared:
    """Return the virtualenv of a release. See `Runtime.prepare`."""
    app, artifact, release = deployment.app, deployment.artifact, deployment.release
    python = interpreter(app, facts, deployment.python_downloads, deployment.build_secrets)
    fresh_for = release if deployment.replace else ""
    made = virtualenv(app, artifact, facts, python.path, fresh_for=fresh_for)
    if PurePosixPath(made.path).name in deployment.lost:
        made = virtualenv(app, artifact, facts, python.path, fresh_for=release)
    made = replace(made, secrets=pack(deployment.build_secrets))
    before = (python.made,) if python.made else ()
    return Prepared(made.path, made.python, PARTS, (*before, made))


def keep(app: App, live: ReleaseInfo) -> Prepared:
    """Return the virtualenv of a release that is there. See `Runtime.keep`."""
    return Prepared(f"{AppLayout(app.name).root}/{live.runtime}", live.python or "", PARTS)


def check(app: App, release: str, facts: Facts) -> Sequence[Resource]:
    """Return a program that imports the app once, as its user, in its sandbox."""
    probe = OneOff(
        app.name,
        release,
        "import",
        (f"{AppLayout(app.name).release(release)}/venv/bin/python", "-c", import_program(app)),
        tuple(sandbox_properties(app, facts)),
        hint="fix it and deploy again; no traffic reached this release",
        timeout_s=IMPORT_TIMEOUT_S,
    )
    return (probe,)


def virtualenv(
    app: App, artifact: Artifact, facts: Facts, python: str, *, fresh_for: str = ""
) -> Virtualenv:
    """Return the virtualenv of a release; releases with the same requirements share it.

    Args:
        app: The app.
        artifact: The release's files.
        facts: Of the host.
        python: The interpreter that it is made with.
        fresh_for: A release that shares it with no other; "" for one that may.
    """
    server = app_server(app.server)
    extra, requirements = server.requirements(app), artifact.requirements
    packages, links = artifact.packages, artifact.package_links
    executables = tuple(each for each in artifact.executables if each in packages)
    key = hashlib.sha256(f"{VIRTUALENV_FORMAT}\0".encode())
    for name, content in sorted({**packages, **requirements.files}.items()):
        key.update(f"{name}\0".encode() + hashlib.sha256(content).digest())
    for name, line in sorted(extra.items()):
        key.update(f"{name}\0{line}\0".encode())
    if requirements.is_uv_lock:
        # An earlier Homeport resolved what a uv.lock names anew.
        key.update(b"sync\0")
    if not requirements.installs_project:
        key.update(b"without its project\0")
    if packages or requirements.choice != WITHOUT_CHOICE:
        more = (requirements.listing, sorted(links.items()), executables, requirements.choice)
        key.update(f"{more}\0".encode())
    key.update(f"{fresh_for}\0{app.python}\0{facts.python}\0{facts.architecture}".encode())
    if app.python_version:
        key.update(f"\0{python}".encode())
    return Virtualenv(
        path=f"{AppLayout(app.name).venvs}/{key.hexdigest()[:16]}",
        owner=app.name,
        files=requirements.files,
        listing=requirements.listing,
        packages=packages,
        executables=executables,
        links=links,
        extras=requirements.choice.extras,
        groups=requirements.choice.groups,
        member=requirements.choice.member,
        install_project=requirements.installs_project,
        elsewhere=requirements.elsewhere,
        require_hashes=requirements.require_hashes,
        lists_everything=requirements.lists_everything,
        extra=extra,
        oldest=server.OLDEST,
        hosts=tuple(app.build_hosts),
        fresh=bool(fresh_for),
        python=python,
        uv=f"{UV}/bin/uv",
    )
