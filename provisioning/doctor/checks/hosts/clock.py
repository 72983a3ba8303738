"""The clock is right."""

from __future__ import annotations

from provisioning.doctor.finding import Finding, failed, passed, unseen
from provisioning.doctor.seen import HostSeen


def judge(seen: HostSeen) -> Finding | None:
    """Judge what timedatectl says."""
    found = seen.examination
    if found.container:
        return passed("it is that of the machine that this container runs on")
    if not found.clock:
        return unseen("timedatectl does not answer")
    if found.clock == "no":
        return failed("it is not synchronised", "fab provision, which sets up systemd-timesyncd")
    return passed("it is synchronised")
