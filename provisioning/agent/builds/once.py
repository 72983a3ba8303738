"""What is built once and never modified: made beside its place, and put there when it is whole."""

from __future__ import annotations

import contextlib
import os
from typing import Iterator, Optional

from provisioning.agent import layout
from provisioning.agent.builds.build import Build
from provisioning.agent.errors import AgentError
from provisioning.agent.machine import files
from provisioning.agent.machine.system import System


def recipe_of(path: str, system: System) -> Optional[str]:
    """Return what the thing at a path says that it was made of; None where it is not whole."""
    ready = system.read(os.path.join(path, layout.READY)).decode(errors="replace")
    return ready.strip() or None


@contextlib.contextmanager
def building(build: Build, recipe: str, system: System, *, fresh: bool = False) -> Iterator[str]:
    """Prepare a build, and put what the block takes over in its place; nothing where that fails.

    Args:
        build: Its path is the place.
        recipe: What it is made of.
        system: The machine.
        fresh: See `Build.begin`.

    Yields:
        The path to which the block takes over what was built.
    """
    part = build.path + layout.PART
    for leftover in (part, build.path):
        system.remove(leftover)
    # Where the sandbox shows what is built.
    system.make_directory(build.path)
    build.begin(system, fresh=fresh)
    try:
        yield part
    except (AgentError, OSError):
        # What is left of it is of no use, and on a full disk in the way.
        system.remove(part)
        system.remove(build.path)
        raise
    finally:
        build.clean(system)
    put_in_place(part, build.path, recipe, system)


def put_in_place(part: str, path: str, recipe: str, system: System) -> None:
    """Mark what was made beside its place as whole, once all of it is on the disk; put it there.

    Args:
        part: Where it was made.
        path: Its place, with nothing in it that is of use.
        recipe: What it is made of.
        system: The machine.
    """
    os.sync()
    system.write(os.path.join(part, layout.READY), recipe.encode())
    system.remove(path)
    files.rename(part, path)
    files.sync(os.path.dirname(path))
