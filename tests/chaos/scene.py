"""Where a part of the suite takes place."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from provisioning.lab import Lab


@dataclass(frozen=True)
class Scene:
    """What every part of the suite is given.

    Args:
        lab: Its hosts are real, and may be broken.
        directory: An empty directory for projects.
        random: Where all chance comes from: the same seed breaks the same things.
        say: Told about progress, in one line.
    """

    lab: Lab
    directory: Path
    random: random.Random
    say: Callable[[str], None]
