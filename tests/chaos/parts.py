"""The parts of the suite, at their two sizes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from tests.chaos import bare, switching
from tests.chaos.row import Row
from tests.chaos.scene import Scene

Part = Callable[[Scene], Iterator[Row]]

SUITES = ("bookworm", "trixie")

SMALL: Mapping[str, Part] = {
    "switching-bookworm": lambda scene: switching.run(scene, "bookworm", share=(0, 40), extra=2),
    "switching-trixie": lambda scene: switching.run(scene, "trixie", share=(1, 40), extra=2),
    "bare-bookworm": lambda scene: bare.run(scene, "bookworm", every=8),
}
"""A few minutes."""

LARGE: Mapping[str, Part] = {
    "switching-bookworm": lambda scene: switching.run(scene, "bookworm", share=(0, 2), extra=15),
    "switching-trixie": lambda scene: switching.run(scene, "trixie", share=(1, 2), extra=15),
    "bare-bookworm": lambda scene: bare.run(scene, "bookworm"),
    "bare-trixie": lambda scene: bare.run(scene, "trixie"),
}
"""Two hours or so on two cores."""
