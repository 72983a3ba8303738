"""Each app server: its processes killed, and the host's power cut, in the middle of commands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import cycle, islice

from tests.chaos.faults import CHILD, POWER_CUT, SERVER, Fault
from tests.chaos.row import Row
from tests.chaos.scene import Scene
from tests.chaos.stage import Stage, stage
from tests.chaos.subjects import Deploy, Rollback
from tests.chaos.switching import at_random, learn
from tests.grid.rows import ROWS
from tests.grid.rows import Row as Server

FAULTS: Sequence[Fault] = (SERVER, CHILD, SERVER, CHILD, POWER_CUT)
"""Those that differ between app servers, and the one that takes all at once."""

COMMANDS = (Deploy, Rollback)


def run(scene: Scene, suite: str, server: str, tries: int) -> Iterator[Row]:
    """Disturb deploys and rollbacks of an app that a server runs.

    Args:
        scene: The scene.
        suite: The host's Debian.
        server: Its name in the grid.
        tries: So many faults, in turn.
    """
    [row] = [row for row in ROWS if row.name == server]
    with stage(scene, suite, name=f"chaos-{row.name.replace(' ', '-')}", row=row) as where:
        for kind in COMMANDS:
            yield from _disturb(where, kind(where), row, tries // len(COMMANDS))


def _disturb(where: Stage, subject: Deploy | Rollback, server: Server, tries: int) -> Iterator[Row]:
    chosen = where.scene.faults
    faults = [each for each in FAULTS if not chosen or each.name in chosen]
    learnt = learn(where, subject)
    for row in at_random(where, subject, learnt, islice(cycle(faults), tries)):
        row.state = f"{server.name}, {row.state}"
        yield row
