"""The virtualenv of a release: releases with the same requirements share one."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from provisioning.agent.layout import READY, UV, AppLayout
from provisioning.resources import Virtualenv
from provisioning.roles import app_server

if TYPE_CHECKING:
    from provisioning.agent.facts import Facts
    from provisioning.deploy.artifact import Artifact
    from provisioning.inventory.models.app import App

PARTS = {"virtualenv": f"venv/{READY}", "interpreter": "venv/bin/python"}
"""What a release is whole with: name -> path below it."""

VIRTUALENV_FORMAT = "2"
"""With another one virtualenvs are made anew: those of format 1 shared a cache with all apps."""


def virtualenv(app: App, artifact: Artifact, facts: Facts, *, fresh_for: str = "") -> Virtualenv:
    """Return the virtualenv of a release; releases with the same requirements share it.

    Args:
        app: The app.
        artifact: The release's files.
        facts: Of the host.
        fresh_for: A release that shares it with no other; "" for one that may.
    """
    extra = app_server(app.server).requirements(app)
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
