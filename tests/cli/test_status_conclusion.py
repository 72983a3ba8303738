"""What `fab status` calls healthy."""

from __future__ import annotations

from typing import Any

import pytest

from provisioning.agent.answers import ProcessStatus, TimerStatus
from provisioning.commands.status import _is_well
from tests.fakes.answers import app_status

WELL: dict[str, Any] = {
    "live": "20260102T030405.000Z-abc1234",
    "health": "200",
    "site": "200",
    "processes": {"worker": ProcessStatus(2, 2)},
    "timers": {"nightly": TimerStatus("x")},
}


@pytest.mark.parametrize(
    ("changes", "is_well"),
    [
        ({}, True),
        ({"health": "500"}, False),
        ({"processes": {"worker": ProcessStatus(1, 2)}}, False),
        ({"timers": {"nightly": TimerStatus("x", failed=True)}}, False),
        ({"timers": {"nightly": TimerStatus("x", running=True)}}, True),
    ],
)
def test_a_failure_of_any_part_is_one_of_the_whole(changes: dict[str, Any], is_well: bool) -> None:
    assert _is_well(app_status(**{**WELL, **changes}), [200]) is is_well
