"""Where the programs of a release are."""

from __future__ import annotations

import os

from provisioning.agent.layout import AppLayout
from provisioning.agent.machine.system import System


def find_program(system: System, app: str, release: str, program: str) -> str:
    """Return the path of a program as the release would start it, or "".

    Args:
        system: The machine.
        app, release: Whose program it is.
        program: A name is looked for along the release's PATH, a path below its code.
    """
    layout = AppLayout(app)
    places = [layout.code(release)] if "/" in program else layout.search_path(release).split(":")
    # An absolute path stays what it is.
    paths = (os.path.join(place, program) for place in places)
    return next((path for path in paths if system.stat(path)), "")
