"""What the programs of a release run on: a release has a link to it, and releases may share it.

One row for each kind. What is generic (whole releases, what is left over, what is old) goes through
the rows and knows none of them by name; `provisioning/deploy/runtimes` is the controller's side.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Any, Callable, Iterator, Mapping, Sequence, Tuple

from provisioning.agent.apps.runtimes import container, virtualenv
from provisioning.agent.apps.runtimes.surroundings import Surroundings
from provisioning.agent.layout import PART, AppLayout
from provisioning.agent.machine.system import System


@dataclass(frozen=True)
class RuntimeKind:
    """One kind of what releases run on.

    Args:
        name: As in an inventory.
        folder: Where those of an app are, below the app's directory.
        link: The link to it in a release; in the release's manifest the key with its name.
        shape: What the names in the folder look like, without `PART`.
        mark: File in each that is written last and removed first: without it, it is incomplete.
        lost: Takes its path; returns what it was built for and the host no longer has, or "".
        surroundings: Takes the app's layout, a release and its shared folders; returns how programs
            of the release start.
        words: Takes its path; returns what only the host knows of these.
        stamps: Whether its answers say which release they came from.
    """

    name: str
    folder: str
    link: str
    shape: str
    mark: str
    lost: Callable[[str, System], str]
    surroundings: Callable[[AppLayout, str, Sequence[str]], Surroundings]
    words: Callable[[str, System], Mapping[str, str]]
    stamps: bool

    def directory(self, app: str) -> str:
        """Return the directory in which an app has them."""
        return os.path.join(AppLayout(app).root, self.folder)

    @property
    def names(self) -> re.Pattern[str]:
        """The shape of names that Homeport gives in the folder, incomplete ones included."""
        # Twice where even the removal was cut off.
        return re.compile(rf"{self.shape}({re.escape(PART)})*")


def _row(name: str, module: Any) -> RuntimeKind:
    return RuntimeKind(
        name,
        module.FOLDER,
        module.LINK,
        module.SHAPE,
        module.MARK,
        module.lost,
        module.surroundings,
        module.words,
        module.STAMPS,
    )


RUNTIMES: Tuple[RuntimeKind, ...] = (
    _row("virtualenv", virtualenv),
    _row("container", container),
)


def kind_named(name: str) -> RuntimeKind:
    """Return the kind of a name that an inventory may say."""
    return next(kind for kind in RUNTIMES if kind.name == name)


def kind_of(path: str) -> RuntimeKind:
    """Return the kind of what is at a path: /srv/<app>/<folder>/<name>.

    Raises:
        ValueError: no kind has such a folder.
    """
    folder = os.path.basename(os.path.dirname(path))
    for kind in RUNTIMES:
        if kind.folder == folder:
            return kind
    raise ValueError(f"no release can run on {path}")


def name_of(runtime: str) -> str:
    """Return the name of the kind of a path below an app's directory, "" if it is of none."""
    folder = runtime.partition("/")[0]
    return next((kind.name for kind in RUNTIMES if kind.folder == folder), "")


def runtimes_of(manifest: Mapping[str, Any]) -> Iterator[Tuple[RuntimeKind, str]]:
    """Yield what a release runs on, as its manifest says: kind and name."""
    for kind in RUNTIMES:
        name = manifest.get(kind.link)
        if name:
            yield kind, str(name)


def lost_of(directory: str, manifest: Mapping[str, Any], system: System) -> str:
    """Return what a release was built for and the host no longer has, as "Python 3.11", or "".

    Args:
        directory: The release's.
        manifest: The release's.
        system: The machine.
    """
    lost = (kind.lost(os.path.join(directory, kind.link), system)
            for kind, _ in runtimes_of(manifest))  # fmt: skip
    return next(filter(None, lost), "")


def built_for_lost(what: str) -> str:
    """Return the words for what `RuntimeKind.lost` returns."""
    return f"built for {what}, which the host no longer has"


def runtime_path(manifest: Mapping[str, Any]) -> str:
    """Return the path of what a release runs on, below the app's directory, or ""."""
    return next((f"{kind.folder}/{name}" for kind, name in runtimes_of(manifest)), "")


def surroundings_of(
    layout: AppLayout, release: str, runtime: str, shared: Sequence[str], words: Mapping[str, str]
) -> Surroundings:
    """Return how programs of a release that is there start.

    Args:
        layout: The app's.
        release: Its id.
        runtime: The path of what it runs on, see `runtime_path`; "" for the first kind.
        shared, words: As its manifest says.
    """
    # A release that is only imagined, by a check, says nothing.
    kind = kind_of(f"{layout.root}/{runtime}") if runtime else RUNTIMES[0]
    return kind.surroundings(layout, release, shared).filled(words)
