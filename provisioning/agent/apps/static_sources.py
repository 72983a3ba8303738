"""Which files of a release the web server serves itself, by what its manifest says.

The manifest names files that were deployed, and no others: what an app writes into a shared
folder is never published, however the source leads there.
"""

from __future__ import annotations

import posixpath
from typing import Any, Dict, List, Mapping

from provisioning.agent.errors import AgentError

MOST_LINKS = 40
"""Source: path_resolution(7)."""


def static_sources(manifest: Mapping[str, Any]) -> Dict[str, str]:
    """Return the published files of a release: path below the web root -> path below its code.

    Raises:
        AgentError: a folder leads out of the release by a link.
    """
    found = {}
    for url, folder in manifest.get("static", {}).items():
        prefix = _resolved(folder, manifest.get("links", {}), manifest).rstrip("/") + "/"
        for path in manifest.get("files", {}):
            if path.startswith(prefix):
                found[posixpath.join(url.strip("/"), path[len(prefix) :])] = path
    return found


def _resolved(folder: str, links: Mapping[str, str], manifest: Mapping[str, Any]) -> str:
    path = posixpath.normpath(folder)
    for _ in range(MOST_LINKS):
        link = next((each for each in _through(path) if each in links), "")
        if not link:
            return path
        target = posixpath.join(posixpath.dirname(link), links[link])
        path = posixpath.normpath(posixpath.join(target, path[len(link) :].lstrip("/")))
        is_shared = any(each in manifest.get("shared", ()) for each in _through(path))
        if path.startswith(("/", "../")) or path == ".." or is_shared:
            break
    raise AgentError(
        f"cannot publish the static folder {folder}: it leads out of the release by a link",
        hint="name the folder in the source where the files are",
        refused=True,
    )


def _through(path: str) -> List[str]:
    """Return a path's beginnings and itself, the shortest first."""
    parts = path.split("/")
    return ["/".join(parts[: number + 1]) for number in range(len(parts))]
