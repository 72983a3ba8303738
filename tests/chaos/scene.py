"""Where a part of the suite takes place."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
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
        faults: Names of the faults of a live host, or of services, that are tried; empty for all.
    """

    lab: Lab
    directory: Path
    random: random.Random
    say: Callable[[str], None]
    faults: Sequence[str] = ()
