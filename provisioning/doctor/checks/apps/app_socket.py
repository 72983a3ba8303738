"""The app server listens on a socket or on 127.0.0.1 only."""

from __future__ import annotations

from provisioning.doctor.finding import Finding, failed, passed, unseen
from provisioning.doctor.seen import AppSeen


def judge(seen: AppSeen) -> Finding | None:
    """Judge the ports that the app's user has opened."""
    if seen.absent:
        return unseen(seen.absent)
    user = (seen.examination.user if seen.examination else "") or seen.app.name
    for each in seen.host.examination.listeners:
        is_local = each.address.startswith("127.") or each.address == "::1"
        if each.user == user and not is_local:
            return failed(
                f"{each.program or 'a process'} of {user} listens on {each.address}:{each.port}",
                "listen on 127.0.0.1, or on the socket that systemd passes on; then fab deploy",
            )
    return passed("others reach the app through the web server only")
