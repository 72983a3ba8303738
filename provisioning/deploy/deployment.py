"""A new release, with all that it needs from the operator's machine."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from provisioning.deploy.environment import (
    Environment,
    build_secrets,
    operators_environment,
    propose_secrets,
)
from provisioning.deploy.interpreter import read_downloads
from provisioning.deploy.release_links import check_links

if TYPE_CHECKING:
    from provisioning.deploy.artifact import Artifact
    from provisioning.inventory import Inventory
    from provisioning.inventory.models.app import App


@dataclass(frozen=True)
class Deployment:
    """One app's new release, the same on all its hosts.

    Args:
        app: The app.
        artifact: Its files.
        env: The environment as given: plain values and secrets fetched from the operator.
        proposed: Values for secrets that are to be generated; a host's own win.
        https: Whether its site is served on 443.
        by: Who deploys.
        replace: Stop the release before first, and believe nothing that it or its build has left.
        notes: What a person should know of the files before they travel.
        lost: Names of runtimes that were built for what a host no longer has, such as its Python of
            before: what still runs from them may go on.
        build_secrets: Variables that only builds of its packages have.
        python_downloads: The Pythons that may be downloaded: see `read_downloads`.
    """

    app: App
    artifact: Artifact
    env: Environment = field(repr=False)
    proposed: Environment = field(repr=False)
    https: bool
    by: str
    replace: bool = False
    notes: tuple[str, ...] = ()
    lost: frozenset[str] = frozenset()
    build_secrets: Environment = field(default_factory=dict, repr=False)
    python_downloads: str = ""

    @property
    def release(self) -> str:
        """The release's id."""
        return self.artifact.release

    @property
    def what(self) -> str:
        """What other commands show of it."""
        changed = " with uncommitted changes" if self.artifact.dirty else ""
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
            f"left out compiled Python files, {artifact.compiled[0]}"
            + (f" and {len(artifact.compiled) - 1} more" if len(artifact.compiled) > 1 else "")
            + ": each host compiles its own"
        )
    env, warnings = operators_environment(inventory, app)
    for_builds, more_warnings = build_secrets(inventory, app)
    notes += [f"warning: {each}" for each in (*warnings, *more_warnings)]
    return Deployment(
        app=app,
        artifact=artifact,
        env=env,
        build_secrets=for_builds,
        python_downloads=read_downloads(inventory, app),
        proposed=propose_secrets(app),
        https=inventory.tls.https,
        by=by,
        replace=replace,
        notes=tuple(notes),
    )
