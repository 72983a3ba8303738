"""Which files of a release the web server serves itself, by what its manifest says.

The manifest names files and links that were deployed, and no others: what an app writes into a
shared folder is never published, however the source leads there. Links are followed as the kernel
would, as long as they stay in the release.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from typing import Any, Dict, FrozenSet, List, Mapping, Set

from provisioning.agent.apps.releases import Releases
from provisioning.agent.errors import AgentError
from provisioning.agent.layout import is_temporary
from provisioning.agent.machine import files

MOST_ENTRIES = 500_000
"""Links to folders with links multiply: more entries are surely a mistake."""


class _LeadsOutError(Exception):
    """A path leads out of the release, or nowhere; its text says where."""


@dataclass
class Published:
    """The files of a release that are published.

    Args:
        files: Path below the web root -> path below the release's code.
        refused: What cannot be published, mostly links that lead out of the release: path -> why.
        dangling: Links that lead to what the release does not have: path -> target.
    """

    files: Dict[str, str] = field(default_factory=dict)
    refused: Dict[str, str] = field(default_factory=dict)
    dangling: Dict[str, str] = field(default_factory=dict)


def published(manifest: Mapping[str, Any]) -> Published:
    """Return the files of a release that are published.

    Args:
        manifest: "static", "files", "links" and "shared" say what it is made of.

    Raises:
        AgentError: a folder leads out of the release by a link.
    """
    found = Published()
    tree = _Tree(manifest)
    # Where two overlap, the longer URL says it more exactly.
    for url, folder in sorted(manifest.get("static", {}).items(), key=lambda each: len(each[0])):
        try:
            real = tree.resolved(folder)
        except _LeadsOutError:
            raise AgentError(
                f"cannot publish the static folder {folder}: it leads out of the release through "
                "a symbolic link",
                hint="name the folder of the source that holds the files",
                refused=True,
            ) from None
        tree.publish(real, url.strip("/"), found)
    return found


def static_sources(manifest: Mapping[str, Any]) -> Dict[str, str]:
    """Return the published files of a release: path below the web root -> path below its code.

    Raises:
        AgentError: a folder leads out of the release by a link.
    """
    return published(manifest).files


def static_sources_of(releases: Releases, release: str) -> Dict[str, str]:
    """Return the published files of a release that is there; see `static_sources`."""
    manifest = releases.manifest(release)
    if manifest.get("static") and "links" not in manifest:
        # An earlier Homeport did not write them down, and published what they led to.
        found = dict(files.links(releases.layout.code(release)))
        shared = manifest.get("shared", ())
        links = {path: target for path, target in found.items() if path not in shared}
        manifest = {**manifest, "links": links}
    return static_sources(manifest)


class _Tree:
    """A release's files and links."""

    def __init__(self, manifest: Mapping[str, Any]) -> None:
        self._files = manifest.get("files", {})
        self._links: Mapping[str, str] = manifest.get("links", {})
        self._shared = frozenset(manifest.get("shared", ()))
        self._entries: Dict[str, Set[str]] = {"": set()}
        self._left = MOST_ENTRIES
        for path in (*self._files, *self._links):
            self._add(path)

    def _add(self, path: str) -> None:
        above, _, name = path.rpartition("/")
        if above not in self._entries:
            self._entries[above] = set()
            self._add(above)
        self._entries[above].add(name)

    def resolved(self, path: str) -> str:
        """Return where a path leads below the release's code, at the end of all links.

        Raises:
            _LeadsOutError: out of it, into a shared folder, or in circles.
        """
        left = path.split("/")[::-1]
        real: List[str] = []
        followed = 0
        while left:
            name = left.pop()
            if name in ("", "."):
                continue
            if name == "..":
                if not real:
                    raise _LeadsOutError("leads out of the release")
                real.pop()
                continue
            here = "/".join((*real, name))
            if here in self._shared:
                raise _LeadsOutError(f"leads into the shared folder {here}, where the app writes")
            target = self._links.get(here)
            if target is None:
                real.append(name)
                continue
            followed += 1
            if followed > files.MOST_LINKS:
                raise _LeadsOutError("is part of a loop of links")
            if target.startswith("/"):
                raise _LeadsOutError("leads out of the release")
            left += target.split("/")[::-1]
        return "/".join(real)

    def publish(
        self, folder: str, url: str, found: Published, followed: FrozenSet[str] = frozenset()
    ) -> None:
        """Publish what is in a folder, and below it.

        Args:
            folder: Below the release's code; there is no link on its way.
            url: Where it belongs.
            found: What is published so far.
            followed: Links that lead here: none is followed twice.
        """
        for name in sorted(self._entries.get(folder, ())):
            self._left -= 1
            if self._left < 0:
                raise AgentError(
                    f"cannot publish {url}: its links lead to more than {MOST_ENTRIES} files",
                    hint="remove links that lead to folders with further links",
                    refused=True,
                )
            path, where = posixpath.join(folder, name), posixpath.join(url, name)
            if is_temporary(name):
                found.refused[path] = (
                    f"{path} has a name that Homeport reserves for files that it is still writing"
                )
                continue
            if path in self._links:
                if path not in followed:
                    self._publish_link(path, where, found, followed)
            elif path in self._files:
                found.files[where] = path
            else:
                self.publish(path, where, found, followed)

    def _publish_link(
        self, path: str, where: str, found: Published, followed: FrozenSet[str]
    ) -> None:
        try:
            real = self.resolved(path)
        except _LeadsOutError as error:
            found.refused[path] = f"{path} -> {self._links[path]} {error}"
            return
        if real in self._files:
            found.files[where] = real
        elif real in self._entries:
            self.publish(real, where, found, followed | {path})
        else:
            found.dangling[path] = self._links[path]
