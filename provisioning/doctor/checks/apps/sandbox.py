"""systemd confines the app: its own user, and a sandbox with a good score."""

from __future__ import annotations

from provisioning.doctor.finding import Finding, failed, passed, unseen, warned
from provisioning.doctor.seen import AppSeen

WARN_ABOVE, FAIL_ABOVE = 2.5, 5.0
"""Of systemd's score, 0.0 to 10.0; Homeport's own units reach 1.5: tests/e2e/test_scores.py."""


def judge(seen: AppSeen) -> Finding | None:
    """Judge the unit of the live release."""
    found = seen.examination
    if found is None or not found.live:
        return unseen(seen.absent)
    mend = "fab deploy, which writes the unit again; relax = [] in the inventory"
    if found.user in ("", "root", "0"):
        return failed("the app runs as root", mend)
    code = found.code
    if code and (code.owner != "root" or int(code.mode, 8) & 0o022):
        return failed(f"its code is {code.mode} {code.owner}:{code.group}: it can change it", mend)
    if found.exposure is None:
        return unseen("systemd-analyze gives no score")
    said = f"user {found.user}, exposure {found.exposure:.1f} of 10"
    if found.exposure > FAIL_ABOVE:
        return failed(said, mend)
    return warned(said, mend) if found.exposure > WARN_ABOVE else passed(said)
