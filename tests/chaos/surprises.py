"""Clocks that are wrong, and things that somebody changed by hand between check and apply."""

from __future__ import annotations

from collections.abc import Iterator

from tests.chaos import by_hand, clocks
from tests.chaos.row import Row
from tests.chaos.scene import Scene
from tests.chaos.stage import stage
from tests.chaos.subjects import Deploy, Provision
from tests.chaos.switching import learn


def run(scene: Scene, suite: str, changes: int = 30) -> Iterator[Row]:
    """Surprise commands on one live host.

    Args:
        scene: The scene.
        suite: The host's Debian.
        changes: So many things are changed by hand.
    """
    with stage(scene, suite, name="chaos-surprises") as where:
        where.host.shell(by_hand.MAKE_PRECIOUS)
        deploy, provision = Deploy(where), Provision(where)
        provisioned = learn(where, provision)
        # Last: a provision changes what a host is after a deploy.
        _, deployed = learn(where, deploy)
        yield from clocks.set_wrong(deploy, deployed, provision, provisioned[1])
        yield from by_hand.change(provision, provisioned, changes)
