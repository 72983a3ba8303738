"""The parts of the suite, at their two sizes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import cycle

from tests.chaos import (
    app_servers,
    bare,
    disk_full,
    endurance,
    fleet,
    moving,
    services,
    surprises,
    switching,
    two_controllers,
)
from tests.chaos.host_faults import CONTROLLER_KILLED
from tests.chaos.row import Row
from tests.chaos.scene import Scene
from tests.grid.rows import ROWS

Part = Callable[[Scene], Iterator[Row]]

SUITES = ("bookworm", "trixie")


def _servers(tries: int) -> Mapping[str, Part]:
    """Return a part for each row of the grid, on one Debian or the other."""
    return {
        f"{row.name.replace(' ', '-')}-{suite}": partial(
            app_servers.run, suite=suite, server=row.name, tries=tries
        )
        for row, suite in zip(ROWS, cycle(SUITES), strict=False)
    }


SMALL: Mapping[str, Part] = {
    "switching-bookworm": lambda scene: switching.run(scene, "bookworm", share=(0, 40), extra=2),
    "switching-trixie": lambda scene: switching.run(scene, "trixie", share=(1, 40), extra=2),
    "bare-bookworm": lambda scene: bare.run(scene, "bookworm", every=8),
    "disk-bookworm": lambda scene: disk_full.run(scene, "bookworm", tries=3),
    "surprises-trixie": lambda scene: surprises.run(scene, "trixie", changes=3),
    "endurance": lambda scene: endurance.run(scene, 4),
    "two-controllers": lambda scene: two_controllers.run(scene, 10),
    "fleet": lambda scene: fleet.run(scene, hosts=3, rounds=4),
    "uwsgi-trixie": lambda scene: app_servers.run(scene, "trixie", "uwsgi", tries=4),
    "moving-bookworm": lambda scene: moving.run(scene, "bookworm", tries=2),
}
"""A few minutes."""

LARGE: Mapping[str, Part] = {
    "switching-bookworm": lambda scene: switching.run(scene, "bookworm", share=(0, 2), extra=15),
    "switching-trixie": lambda scene: switching.run(scene, "trixie", share=(1, 2), extra=15),
    "bare-bookworm": lambda scene: bare.run(scene, "bookworm"),
    "bare-trixie": lambda scene: bare.run(scene, "trixie"),
    "disk-bookworm": lambda scene: disk_full.run(scene, "bookworm", tries=30),
    "disk-trixie": lambda scene: disk_full.run(scene, "trixie", tries=30),
    "services-bookworm": lambda scene: services.run(scene, "bookworm"),
    "services-trixie": lambda scene: services.run(scene, "trixie"),
    "surprises-bookworm": lambda scene: surprises.run(scene, "bookworm", changes=40),
    "surprises-trixie": lambda scene: surprises.run(scene, "trixie", changes=40),
    "endurance": lambda scene: endurance.run(scene, 50),
    "two-controllers": lambda scene: two_controllers.run(scene, 200),
    "fleet": lambda scene: fleet.run(scene, hosts=20, rounds=20),
    **_servers(tries=24),
    "moving-bookworm": lambda scene: moving.run(scene, "bookworm", tries=20),
    "moving-trixie": lambda scene: moving.run(scene, "trixie", tries=20),
    "fleet-alone": lambda scene: fleet.run(scene, hosts=3, rounds=12, faults=[CONTROLLER_KILLED]),
}
"""Two hours or so on two cores."""
