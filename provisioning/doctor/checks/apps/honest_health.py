"""The health path fails when the app's database is gone."""

from __future__ import annotations

from provisioning.doctor.finding import Finding, passed, unseen, warned
from provisioning.doctor.seen import AppSeen


def judge(seen: AppSeen) -> Finding | None:
    """Judge what the health path says in a process that cannot reach any database."""
    status = seen.says.health_without_database
    if status is None:
        reason = seen.absent or seen.says.error
        return unseen(reason) if reason else None
    if status in seen.app.health_status:
        return warned(
            f"{seen.app.at(seen.app.health)} answers {status} without network and shared folders",
            "have it ask the database for something small, with a short timeout",
        )
    how = f"answers {status}" if status else "fails"
    return passed(f"{seen.app.at(seen.app.health)} {how} without database and network")
