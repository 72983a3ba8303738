"""Clocks that are wrong, and things that somebody changed by hand between check and apply."""

from __future__ import annotations

from collections.abc import Iterator

from tests.chaos import by_hand, clocks
from tests.chaos.row import Row
from tests.chaos.scene import Scene
from tests.chaos.stage import stage


def run(scene: Scene, suite: str) -> Iterator[Row]:
    """Surprise commands on one live host.

    Args:
        scene: The scene.
        suite: The host's Debian.
    """
    with stage(scene, suite, name="chaos-surprises") as where:
        yield from clocks.set_wrong(where)
        yield from by_hand.change(where)
