"""Check the links of a source for a release, before any host is asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from provisioning.agent.apps.shared import prefixes
from provisioning.agent.apps.static_sources import Published, published
from provisioning.agent.errors import AgentError
from provisioning.errors import ConfigurationError

if TYPE_CHECKING:
    from provisioning.inventory.models.app import App


def check_links(app: App, files: Iterable[str], links: Mapping[str, str]) -> list[str]:
    """Refuse a source whose links lead out of its release where that matters.

    Args:
        app: The app.
        files: Paths below the source.
        links: Path -> target.

    Returns:
        What a person should know: links that lead to nothing, static folders without files.

    Raises:
        ConfigurationError: static files, or a shared folder, would lie somewhere else.
    """
    _check_shared(app, links)
    manifest = {
        "static": app.static,
        "files": dict.fromkeys(files, ""),
        "links": links,
        "shared": app.all_shared,
    }
    try:
        found = published(manifest)
    except AgentError as error:
        raise ConfigurationError(
            f"cannot deploy {app.name}: {error.message}", hint=error.hint
        ) from None
    if found.refused:
        raise ConfigurationError(
            f"cannot deploy {app.name}: some of its static files cannot be published",
            hint="git-track the files themselves, or links to files of the source with relative "
            "targets; Django's collectstatic makes copies without --link",
            output="\n".join(found.refused.values()),
        )
    _check_urls(app, found)
    return [
        *(
            f"{path} -> {target} leads to no file that is deployed: it cannot be served"
            for path, target in found.dangling.items()
        ),
        *_empty_folders(app, found),
    ]


def _empty_folders(app: App, found: Published) -> Iterator[str]:
    """Yield what a person should know of static folders from which nothing is published."""
    for url, folder in app.static.items():
        prefix = app.at(url).lstrip("/")
        # What a build makes is not here yet.
        if not app.build and not any(path.startswith(prefix) for path in found.files):
            yield (
                f"{url} has no files: nothing of {folder} is deployed (git add, the app's "
                "`include`, or a command in its `build` that makes them)"
            )


def _check_shared(app: App, links: Mapping[str, str]) -> None:
    for folder in app.all_shared:
        for above in prefixes([folder])[:-1]:
            if above in links:
                raise ConfigurationError(
                    f"cannot deploy {app.name}: the shared path {folder} would lie somewhere "
                    f"else, since {above} is a link to {links[above]}",
                    hint=f"in `shared` of [apps.{app.name}], name the path that the link points to",
                )


def _check_urls(app: App, found: Published) -> None:
    """Refuse a URL that is a file and a folder: two of the app's folders overlap there."""
    for path in found.files:
        for above in prefixes([path])[:-1]:
            if above in found.files:
                raise ConfigurationError(
                    f"cannot deploy {app.name}: /{above} is the file {found.files[above]}, and a "
                    f"folder with {found.files[path]}",
                    hint=f"give one of them another name, or its folder another URL in `static` "
                    f"of [apps.{app.name}]",
                )
