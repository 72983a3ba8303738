"""Logs survive a reboot, and stay bounded."""

from __future__ import annotations

from provisioning.doctor.finding import Finding, failed, passed, warned
from provisioning.doctor.seen import HostSeen


def judge(seen: HostSeen) -> Finding | None:
    """Judge the journal, and what is below /var/log."""
    logs = seen.examination.logs
    if logs.large:
        path, size = next(iter(logs.large.items()))
        return failed(f"{path} has {size >> 20} MB", "have logrotate rotate it: /etc/logrotate.d")
    if not logs.persistent:
        return warned("the journal does not survive a reboot", "fab provision")
    if not logs.rotates:
        return warned(
            "logrotate does not run", "systemctl enable --now logrotate.timer on the host"
        )
    return passed(f"the journal is kept, {logs.journal_bytes >> 20} MB, and logrotate runs")
