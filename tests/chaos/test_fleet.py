"""A small size of fleet.py."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from provisioning.lab import Lab
from tests.chaos import fleet
from tests.chaos.host_faults import AT_ONCE
from tests.chaos.scene import Scene
from tests.chaos.sites import sites, switch_off
from tests.e2e.project import Project
from tests.e2e.roads import Road

pytestmark = pytest.mark.lab


def test_hosts_of_which_one_fails_end_on_one_release(
    lab: Lab, bookworm_road: Road, trixie_road: Road, tmp_path: Path
):
    scene = Scene(lab, tmp_path, random.Random(1), print)
    project = Project.create(tmp_path / "project", lab)
    try:
        rows = list(fleet.play(scene, project, sites(project), rounds=1, faults=AT_ONCE))
    finally:
        switch_off(lab)
    assert sum(row.tried for row in rows) == 1
    assert [row for row in rows if not row.is_good] == []
