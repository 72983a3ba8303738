"""Check that an app has no key that means nothing to its runtime."""

from __future__ import annotations

from collections.abc import Iterator

from provisioning.inventory.models.app import App
from provisioning.inventory.models.runtimes import RUNTIMES
from provisioning.inventory.reading.problems import Mistake

_OF_CONTAINERS = ("dockerfile", "base_images")

_IN_THE_IMAGE = {
    "wsgi": "the image's CMD says what is served",
    "asgi": "the image's CMD says what is served",
    "server": "the image's CMD starts the server",
    "workers": "the image's CMD says how many workers its server has",
    "threads": "the image's CMD says how many threads its server has",
    "max_requests": "the image's CMD says when its server replaces a worker",
    "requirements": "the Dockerfile installs what the app requires",
    "extras": "the Dockerfile installs what the app requires",
    "dependency_groups": "the Dockerfile installs what the app requires",
    "workspace_member": "the Dockerfile installs what the app requires",
    "install_project": "the Dockerfile installs what the app requires",
    "build": "the Dockerfile builds what the app needs",
    "build_secrets": "the build of an image has no secrets",
    "packages": "the Dockerfile installs Debian packages into the image",
    "python": "the image brings its own Python",
}
"""Keys of an app that a Dockerfile decides, and how."""


def brings_a_server(app: App) -> bool:
    """Return whether an app's runtime brings the program that serves."""
    return bool(RUNTIMES.get(app.runtime))


def runtime_mistakes(app: App) -> Iterator[Mistake]:
    """Yield keys without effect."""
    here = ("apps", app.name)
    if not brings_a_server(app):
        for key in _OF_CONTAINERS:
            if key in app.model_fields_set:
                yield Mistake((*here, key), 'has no effect without runtime = "container"')
        return
    for key, why in _IN_THE_IMAGE.items():
        if key in app.model_fields_set:
            yield Mistake((*here, key), f"has no effect with a container: {why}; remove it")
    if app.settings is not None and app.settings.model_fields_set:
        yield Mistake(
            (*here, app.server),
            "has no effect with a container: the image's CMD starts the server, with its settings; "
            "remove it",
        )
    if "dbus" in app.relax:
        yield Mistake(
            (*here, "relax"), "dbus has no effect with a container: D-Bus is not in its file system"
        )
