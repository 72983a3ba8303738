"""Images of containers: the root directory of a release's programs, and what the image says."""

from __future__ import annotations

import json
import os
from typing import Dict, Mapping, Sequence

from provisioning.agent.apps.runtimes.surroundings import Surroundings, word
from provisioning.agent.layout import READY, AppLayout
from provisioning.agent.machine.system import System

FOLDER, LINK, MARK = "images", "image", READY
"""See `RuntimeKind`."""

STAMPS = False
"""Whose answers an image's program gives, it does not know."""

SHAPE = r"[0-9a-f]{16}"
"""The key of its content: see provisioning/deploy/runtimes/container.py."""

ROOT, WORDS, VARIABLES = "rootfs", "words.json", "environment"
"""In an image: its files, what its units take from it, and its ENV as systemd reads it."""


def lost(image: str, system: System) -> str:
    """Return "": an image brings all that it was built for."""
    return ""


def surroundings(layout: AppLayout, release_id: str, shared: Sequence[str]) -> Surroundings:
    """Return how programs start: in the image, with the host's names and the app's folders.

    Source of all properties: systemd.exec(5).
    """
    image = f"{layout.release(release_id)}/{LINK}"
    directory = word("DIRECTORY")
    return Surroundings(
        directory,
        word("SEARCH_PATH"),
        # HOME is the image's, with what was built into it, and read-only. What the image says of
        # these comes later, and wins. Source: XDG Base Directory Specification.
        {"XDG_CACHE_HOME": f"{layout.home}/.cache", "XDG_STATE_HOME": f"{layout.home}/.state"},
        (f"{image}/{VARIABLES}",),
        (
            f"RootDirectory={layout.root}/{FOLDER}/{word('IMAGE')}/{ROOT}",
            # What root does beside the server it does with the host's own programs.
            "RootDirectoryStartOnly=yes",
            "MountAPIVFS=yes",
            # The image's own home directories; the host's are not there.
            "ProtectHome=no",
            "BindReadOnlyPaths=-/etc/resolv.conf -/etc/hosts",
            f"BindPaths=-{layout.home}:{layout.home}",
            *(f"BindPaths={layout.shared}/{each}:{directory}/{each}" for each in shared),
        ),
        "/bin/sh",
        f"{image}/{ROOT}",
    )


def words(image: str, system: System) -> Mapping[str, str]:
    """Return what the image says: see builds/image_config.py."""
    found: Dict[str, str] = json.loads(system.read(os.path.join(image, WORDS)) or "{}")
    return {**found, "IMAGE": os.path.basename(image)}
