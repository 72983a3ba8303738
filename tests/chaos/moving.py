"""A host that changes from one web server to another: struck on its way, there and back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import cycle, islice, permutations

from provisioning.inventory.models.web_servers import WEB_SERVERS
from tests.chaos.faults import AGENT, CONTROLLER, POWER_CUT, WEB_SERVER, Fault
from tests.chaos.row import Row
from tests.chaos.scene import Scene
from tests.chaos.stage import Stage, stage
from tests.chaos.subjects import Provision
from tests.chaos.switching import at_random, learn

FAULTS: Sequence[Fault] = (AGENT, POWER_CUT, WEB_SERVER, AGENT, CONTROLLER)
"""The first as often as that: it alone can strike between the end of one and the start of the
other."""


class Move(Provision):
    """A provision that puts another web server in the place of the one that is there."""

    name = "move"
    closes_ports = True

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self._ways = cycle(permutations(WEB_SERVERS, 2))
        self._to = ""

    def prepare(self) -> None:
        there, self._to = next(self._ways)
        text = self.stage.project.inventory.read_text()
        if f'web_server = "{there}"' not in text:
            self.stage.project.configure(
                "[apps.hello]\n", f'[apps.hello]\nweb_server = "{there}"\n'
            )
        self.stage.project.configure(f'web_server = "{there}"', f'web_server = "{self._to}"')

    @property
    def variant(self) -> str:
        return f"{self.name} to {self._to}"


def run(scene: Scene, suite: str, tries: int) -> Iterator[Row]:
    """Disturb moves of one host.

    Args:
        scene: The scene.
        suite: The host's Debian.
        tries: So many faults, in turn.
    """
    with stage(scene, suite, name="chaos-moving") as where:
        subject = Move(where)
        learnt = learn(where, subject)
        chosen = scene.faults
        faults = [each for each in FAULTS if not chosen or each.name in chosen]
        yield from at_random(where, subject, learnt, islice(cycle(faults), tries))
