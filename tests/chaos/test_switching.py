"""A few faults of every kind at a few boundaries; `fab chaos --large` tries all of them."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from provisioning.lab import Lab
from tests.chaos import faults
from tests.chaos.disturbance import Disturbance
from tests.chaos.moments import Moment
from tests.chaos.scene import Scene
from tests.chaos.stage import stage
from tests.chaos.subjects import Deploy, Provision, Rollback
from tests.chaos.switching import learn

pytestmark = pytest.mark.lab

TRIES = {
    Deploy: (
        (faults.CONTROLLER, Moment("begin", 1)),
        (faults.RUN, Moment("retired:hello before")),
        (faults.AGENT, Moment("release:hello/RELEASE", 20)),
        (faults.POWER_CUT, Moment("live:hello", 3)),
        (faults.MASTER, Moment("static:hello/RELEASE replaced")),
        (faults.REBOOT, Moment("retired:hello after")),
    ),
    Rollback: (
        (faults.RUN, Moment("live:hello", 5)),
        (faults.SILENCE, Moment("instance:hello@RELEASE")),
    ),
    Provision: (
        (faults.AGENT, Moment("service:nginx", 2)),
        (faults.POWER_CUT, Moment("fileset:nginx", 60)),
    ),
}


def test_nothing_is_lost(lab: Lab, tmp_path: Path):
    rows = []
    with stage(Scene(lab, tmp_path, random.Random(1), print), "bookworm") as where:
        for kind, tries in TRIES.items():
            subject = kind(where)
            _, undisturbed = learn(where, subject, runs=2)
            for fault, moment in tries:
                row = Disturbance(where, subject, fault, moment, undisturbed).carry_out()
                assert row is not None, f"{subject.name} never came to {moment}"
                rows.append(row)
    wrong = [row for row in rows if not row.is_good]
    assert not wrong, "\n".join(map(str, wrong))
    assert sum(row.sent for row in rows) > 0
