"""The names that Homeport uses below an app's directory; all other names belong to others.

What goes by another name there is left alone: nothing that clears away what is old or half built
may guess.
"""

from __future__ import annotations

import os
import re
from typing import Dict, List

from provisioning.agent.apps.current_link import CurrentLink
from provisioning.agent.apps.releases import RELEASE_ID, Releases
from provisioning.agent.apps.runtimes import RUNTIMES
from provisioning.agent.layout import PART, TEMPORARY, AppLayout
from provisioning.agent.machine.system import System

# Half-built ones end so, and once more where even their removal was cut off.
_PARTS = rf"({re.escape(PART)})*"

RELEASE = re.compile(RELEASE_ID.pattern + _PARTS)
REVISION = re.compile(r"[0-9a-f]{12}")
"""The digest of its content: see environment.py."""


def named(system: System, directory: str, shape: re.Pattern[str]) -> List[str]:
    """Return the names in a directory that have the form of Homeport's names."""
    return [name for name in system.list(directory) if shape.fullmatch(name)]


def shapes(layout: AppLayout) -> Dict[str, re.Pattern[str]]:
    """Return the shapes of names that Homeport gives in directories of an app: path -> shape."""
    runtimes = {kind.directory(layout.app): kind.names for kind in RUNTIMES}
    return {layout.releases: RELEASE, **runtimes, layout.env: REVISION}


def say_strangers(app: str, system: System) -> None:
    """Report what Homeport did not make in an app's directories: once, and after changes."""
    layout = Releases(app, system).layout
    found = [
        os.path.join(directory, name)
        for directory, shape in shapes(layout).items()
        for name in system.list(directory)
        if not shape.fullmatch(name) and not name.endswith(TEMPORARY)
    ]
    if not CurrentLink(app, system).is_ours:
        found.append(layout.current)
    text = f"left in place, because Homeport did not make it: {', '.join(found)}" if found else ""
    system.say_once(f"strangers:{app}", text)
