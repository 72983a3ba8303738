"""Check the folders of what an app writes that its web server is to serve."""

from __future__ import annotations

from collections.abc import Iterator

from provisioning.inventory.models.app import App
from provisioning.inventory.models.web_servers import WEB_SERVERS
from provisioning.inventory.reading.problems import Mistake
from provisioning.inventory.types.headers import OFF


def media_mistakes(app: App) -> Iterator[Mistake]:
    """Yield folders that are not shared, URLs that mean two things, and what would be unsafe.

    Args:
        app: One that is right in itself.
    """
    for url, media in app.media.items():
        here = ("apps", app.name, "media", url)
        if not any(f"{media.folder}/".startswith(f"{outer}/") for outer in app.shared):
            yield Mistake(
                here,
                f'"{media.folder}" is not shared: what a release brings is served by `static`; add '
                "the folder to `shared` if the app writes there",
            )
        if url in app.static:
            yield Mistake(here, "is also a URL of `static`; remove one of them")
        if media.internal and app.prefix != "/":
            yield Mistake(
                here,
                "cannot be internal for an app with a prefix: the other apps of the domain could "
                "send visitors there; give the app a domain of its own",
            )
    if app.media and app.web_server in WEB_SERVERS:
        for name, value in app.headers.items():
            if name.lower() == "x-content-type-options" and value == OFF:
                yield Mistake(
                    ("apps", app.name, "headers", name),
                    "cannot be switched off with media: browsers would take files that visitors "
                    "have uploaded for scripts",
                )
