"""Runtimes: what the programs of a release run on, made on the host and shared between releases.

One file each, by the name that stands in the inventory (models/runtimes.py). What a host has of
them goes by rows of its own: provisioning/agent/apps/runtimes.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from provisioning.agent.answers import ReleaseInfo
    from provisioning.agent.facts import Facts
    from provisioning.deploy.deployment import Deployment
    from provisioning.inventory.models.app import App
    from provisioning.resources import Resource


@dataclass(frozen=True)
class Prepared:
    """What a release runs on.

    Args:
        path: Absolute, on the host.
        python: The interpreter there that compiles the release's code.
        parts: Name -> path below the release of what has to be there for the release to be whole.
        resources: What makes it, before the release; none where it is there.
    """

    path: str
    python: str
    parts: Mapping[str, str]
    resources: Sequence[Resource] = ()


class Runtime(Protocol):
    """The interface of the modules in this folder."""

    def prepare(self, deployment: Deployment, facts: Facts) -> Prepared:
        """Return what a new release is to run on."""

    def keep(self, app: App, live: ReleaseInfo) -> Prepared:
        """Return what a release runs on already, for another one with the same code."""

    def check(self, app: App, release: str, facts: Facts) -> Sequence[Resource]:
        """Return what shows that a release can be run, before anything depends on it.

        Args:
            app: The app.
            release: The release's id.
            facts: Of the host.
        """


def runtime(name: str) -> Runtime:
    """Return a runtime.

    Args:
        name: One that the inventory may name.
    """
    return cast(Runtime, importlib.import_module(f"{__name__}.{name}"))
