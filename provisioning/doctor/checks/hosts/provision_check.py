"""fab provision would change nothing."""

from __future__ import annotations

from provisioning.doctor.finding import Finding, failed, passed, unseen
from provisioning.doctor.seen import HostSeen


def judge(seen: HostSeen) -> Finding | None:
    """Judge what a check of the provisioning said."""
    if not seen.examination.managed:
        return unseen("Homeport has not provisioned this host", "fab provision --check")
    if seen.drift is None:
        return unseen("the inventory does not have this host")
    if seen.drift.error:
        return failed(seen.drift.error, "fab provision --check shows all of it")
    if seen.drift.ids:
        return failed(
            f"{len(seen.drift.ids)} differ: {', '.join(seen.drift.ids[:3])}",
            "fab provision --check --diff shows what; fab provision mends it",
        )
    return passed("all resources are as desired")
