"""Where the programs of a release are, and how they are started."""

from __future__ import annotations

import os
import stat
from typing import List

from provisioning.agent.apps.releases import Releases
from provisioning.agent.apps.runtimes import runtime_path, surroundings_of
from provisioning.agent.apps.runtimes.surroundings import Surroundings
from provisioning.agent.layout import AppLayout
from provisioning.agent.machine import files
from provisioning.agent.machine.system import System

MOST_LINKS = 40
"""On the way to a program. Source: path_resolution(7)."""


def release_surroundings(system: System, app: str, release: str) -> Surroundings:
    """Return how programs of a release that is there start."""
    manifest = Releases(app, system).manifest(release)
    return surroundings_of(
        AppLayout(app),
        release,
        runtime_path(manifest),
        manifest.get("shared", ()),
        manifest.get("words", {}),
    )


def find_program(system: System, app: str, release: str, program: str) -> str:
    """Return the path of a program as the release would start it, as it sees it, or "".

    Args:
        system: The machine.
        app, release: Whose program it is.
        program: A name is looked for along the release's PATH, a path below its directory.
    """
    there = release_surroundings(system, app, release)
    places = [there.directory] if "/" in program else there.search_path.split(":")
    # An absolute path stays what it is.
    paths = (os.path.join(place, program) for place in places)
    if there.root:
        return next((path for path in paths if is_in(os.path.realpath(there.root), path)), "")
    return next((path for path in paths if system.stat(path)), "")


def is_in(root: str, path: str) -> bool:
    """Tell whether a regular file is at a path, for programs whose root directory is another one.

    Links lead where they lead for those programs, and never out of there.
    """
    left, links = path.split("/")[::-1], 0
    done: List[str] = []
    with files.directory(root) as top:
        while left:
            name = left.pop()
            if name in ("", "."):
                continue
            if name == "..":
                done = done[:-1]
                continue
            try:
                held = files.descend(top, done)
            except OSError:
                return False
            try:
                found = os.stat(name, dir_fd=held, follow_symlinks=False)
                if not stat.S_ISLNK(found.st_mode):
                    done.append(name)
                    continue
                target = os.readlink(name, dir_fd=held)
            except OSError:
                return False
            finally:
                os.close(held)
            links += 1
            if links > MOST_LINKS:
                return False
            done = [] if target.startswith("/") else done
            left += target.split("/")[::-1]
        return bool(done) and stat.S_ISREG(found.st_mode)
