"""The certificate is renewed: by a timer whose last run went well, or by the web server itself."""

from __future__ import annotations

from provisioning.doctor.finding import Finding, failed, passed, unseen
from provisioning.doctor.seen import AppSeen


def judge(seen: AppSeen) -> Finding | None:
    """Judge the timer, the last run, and a renewal as a test."""
    if seen.tls.method != "acme":
        return None
    if seen.web.BRINGS_CERTIFICATES:
        return _by_the_server(seen)
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


def _by_the_server(seen: AppSeen) -> Finding:
    """Judge what can be seen of a server that renews by itself: it runs, and has a certificate."""
    if seen.site.error:
        return unseen(seen.site.error)
    without = [name for name, each in seen.site.certificates.items() if each.days_left is None]
    if without or not seen.site.certificates:
        return failed(
            f"{seen.web.UNIT} renews it, and shows none for {', '.join(without) or 'any name'}",
            f"fab provision; journalctl -u {seen.web.UNIT} on the host says why",
        )
    return passed(f"{seen.web.UNIT} renews it itself while it runs; a renewal cannot be tried")
