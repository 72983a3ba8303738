"""No unit of systemd has failed."""

from __future__ import annotations

from provisioning.doctor.finding import Finding, failed, passed
from provisioning.doctor.seen import HostSeen


def judge(seen: HostSeen) -> Finding | None:
    """Judge what systemd lists."""
    units = seen.examination.failed_units
    if units:
        return failed(
            f"{', '.join(units[:4])} failed",
            f"systemctl status {units[0]} on the host says why; systemctl reset-failed when mended",
        )
    return passed("none")
