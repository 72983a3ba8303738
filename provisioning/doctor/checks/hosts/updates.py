"""No security update is pending, and none waits for a reboot."""

from __future__ import annotations

import time

from provisioning.doctor.finding import Finding, failed, passed, unseen, warned
from provisioning.doctor.seen import HostSeen

STALE_S = 3 * 86400


def judge(seen: HostSeen) -> Finding | None:
    """Judge what apt knows."""
    found = seen.examination.updates
    if found is None:
        return unseen("apt could not be asked")
    if found.security:
        return failed(
            f"{len(found.security)} security updates are pending: {', '.join(found.security[:4])}",
            "unattended-upgrade on the host",
        )
    if not found.automatic:
        return warned("security updates are not installed automatically", "fab provision")
    if found.reboot:
        return warned("an update waits for a reboot", "reboot the host when it suits you")
    if time.time() - found.lists_at > STALE_S:
        return warned("the package lists are older than three days", "apt-get update on the host")
    return passed(f"no security update, {len(found.pending)} others")
