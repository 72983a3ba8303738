"""The certificate is renewed by a timer, whose last run went well."""

from __future__ import annotations

from provisioning.doctor.finding import Finding, failed, passed, unseen
from provisioning.doctor.seen import AppSeen


def judge(seen: AppSeen) -> Finding | None:
    """Judge the timer, the last run, and a renewal as a test."""
    if seen.tls.method != "acme":
        return None
    renewal = seen.examination.renewal if seen.examination else None
    if renewal is None:
        if seen.examination is None:
            return unseen(seen.absent)
        return failed("there is no timer that renews it", "fab provision")
    if renewal.timer != "active":
        return failed(f"its timer is {renewal.timer}", "fab provision")
    if renewal.result not in ("", "success"):
        return failed(
            f"its last run ended with {renewal.result}",
            "journalctl -u 'homeport-renewal@*' on the host says why",
        )
    if seen.dry_run:
        return failed(
            f"a renewal as a test failed: {seen.dry_run}", "see that port 80 is reachable"
        )
    tried = "; a renewal as a test went well" if seen.dry_run == "" else ""
    return passed(f"its timer is active, its last run {renewal.result or 'is yet to come'}{tried}")
