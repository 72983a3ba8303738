"""What makes the runtimes of apps on a host, installed only where an app needs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from provisioning.resources import Packages, Resource
from provisioning.roles.uv import uv

BUILDERS = ("buildah", "netavark")
"""Build images. Not Podman, which runs containers as well. Buildah 1.39 does not start without the
other one, though no build here has a network of its own."""


def _buildah() -> Resource:
    return Packages("containers", BUILDERS)


INSTALLED: Mapping[str, Callable[[], Resource]] = {"virtualenv": uv, "container": _buildah}
"""Name of a runtime -> what a host needs to make it."""
