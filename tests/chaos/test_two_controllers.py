"""A small size of two_controllers.py."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from provisioning.lab import Lab
from tests.chaos import two_controllers
from tests.chaos.scene import Scene
from tests.e2e.roads import Road

pytestmark = pytest.mark.lab


@pytest.mark.thorough
def test_of_two_commands_at_once_one_does_the_work(
    lab: Lab, bookworm_road: Road, trixie_road: Road, tmp_path: Path
):
    rows = list(two_controllers.run(Scene(lab, tmp_path, random.Random(1), print), rounds=2))
    assert sum(row.tried for row in rows) == 2
    assert [row for row in rows if not row.is_good] == []
