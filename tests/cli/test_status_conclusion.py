"""What `fab status` calls healthy."""

from __future__ import annotations

from typing import Any

import pytest

from provisioning.agent.answers import AppStatus, ProcessStatus, TimerStatus
from provisioning.commands.status import _is_well

WELL: dict[str, Any] = {
    "live": "20260102T030405.000Z-abc1234", "stopped": "", "since": 0.0, "by": "", "health": "200",
    "site": "200", "running": (), "at_boot": True, "restarts": 0, "memory_bytes": 0,
    "certificate_days": None, "disk_free_percent": 50, "maintenance": False,
    "processes": {"worker": ProcessStatus(2, 2)}, "timers": {"nightly": TimerStatus("x")},
    "runs": (), "pending": (),
}  # fmt: skip


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
    assert _is_well(AppStatus(**{**WELL, **changes})) is is_well
