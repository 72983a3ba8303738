"""A new release, with all that it needs from the operator's machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from dataclasses import replace as replace_fields
from typing import TYPE_CHECKING

from provisioning.deploy.environment import (
    Environment,
    build_secrets,
    operators_environment,
    propose_secrets,
)
from provisioning.deploy.interpreter import read_downloads
from provisioning.deploy.release_links import check_links
from provisioning.deploy.shared_paths import check_shared_paths
from provisioning.roles import settings_to_apply

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
        to_apply: What a provision would apply of the app: see roles/applied.py.
        placed: Host -> the app as that host has it; see `Inventory.app_on`.
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
    to_apply: Mapping[str, str] = field(default_factory=dict)
    placed: Mapping[str, App] = field(default_factory=dict, repr=False)

    def on(self, host: str) -> Deployment:
        """Return it as one host has it."""
        return replace_fields(self, app=self.placed.get(host, self.app))

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
        ConfigurationError: a secret is missing, a link leads out of the release, or what survives
            releases may be a file or a folder.
    """
    check_shared_paths(app, inventory.source_of(app), artifact.files.keys())
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
        to_apply=settings_to_apply(inventory, app),
        placed={each.name: inventory.app_on(app, each.name) for each in inventory.hosts_of(app)},
    )
