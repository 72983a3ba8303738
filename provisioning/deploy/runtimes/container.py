"""A container: an image that the host builds from the release's files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from provisioning.agent.apps.runtimes.container import FOLDER, LINK, ROOT
from provisioning.agent.layout import READY, AppLayout
from provisioning.deploy.runtimes import Prepared
from provisioning.errors import ConfigurationError
from provisioning.resources import Image, Resource

if TYPE_CHECKING:
    from provisioning.agent.answers import ReleaseInfo
    from provisioning.agent.facts import Facts
    from provisioning.deploy.deployment import Deployment
    from provisioning.inventory.models.app import App

PARTS = {"image": f"{LINK}/{READY}", "files of the image": f"{LINK}/{ROOT}"}
"""What a release is whole with: name -> path below it."""

IMAGE_FORMAT = "1"
"""With another one images are made anew."""


def prepare(deployment: Deployment, facts: Facts) -> Prepared:
    """Return the image of a release. See `Runtime.prepare`.

    Raises:
        ConfigurationError: the Dockerfile is not among the release's files.
    """
    image = _image(deployment, facts)
    return Prepared(image.path, "", PARTS, (image,))


def keep(app: App, live: ReleaseInfo) -> Prepared:
    """Return the image of a release that is there. See `Runtime.keep`."""
    return Prepared(f"{AppLayout(app.name).root}/{live.runtime}", "", PARTS)


def check(app: App, release: str, facts: Facts) -> Sequence[Resource]:
    """Return nothing: only starting an image's program shows that it can be."""
    return ()


def _image(deployment: Deployment, facts: Facts) -> Image:
    app, artifact = deployment.app, deployment.artifact
    if app.dockerfile not in artifact.files:
        raise ConfigurationError(
            f"cannot build an image for {app.name}: {app.source}/{app.dockerfile} is not deployed",
            hint="write it (`fab init --container` writes one that works), and `git add` it; or "
            "name another one with `dockerfile`",
        )
    # What is found outside of the files may change under the same name: a person who wants the
    # newest says `--replace`.
    fresh_for = deployment.release if deployment.replace else ""
    files = {path: hashlib.sha256(each).hexdigest() for path, each in artifact.files.items()}
    values = (files, sorted(artifact.executables), dict(artifact.links), app.dockerfile,
              dict(app.base_images), fresh_for, facts.architecture, IMAGE_FORMAT)  # fmt: skip
    key = hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
    return Image(
        path=f"{AppLayout(app.name).root}/{FOLDER}/{key[:16]}",
        owner=app.name,
        files=artifact.files,
        executables=artifact.executables,
        links=artifact.links,
        dockerfile=app.dockerfile,
        bases=dict(app.base_images),
        hosts=tuple(app.build_hosts),
        fresh=bool(fresh_for),
    )
