"""No secret stands in the code, nor in the history of its source."""

from __future__ import annotations

from provisioning.doctor.finding import Finding, failed, passed, unseen
from provisioning.doctor.seen import AppSeen

MEND = (
    "take it out, and give the secret a new value: fab restart --rotate-secrets, or at its source"
)


def judge(seen: AppSeen) -> Finding | None:
    """Judge where values of secrets were found."""
    found = seen.examination
    if found is None or not found.live:
        return unseen(seen.absent)
    for name, traits in found.secrets.items():
        if traits.in_code:
            return failed(f"the value of {name} is in {', '.join(traits.in_code)}", MEND)
    for name, places in seen.history.places.items():
        return failed(f"git has the value of {name}: {', '.join(places)}", MEND)
    history = seen.history.error or f"{seen.history.searched} files of its history"
    return passed(f"{len(found.secrets)} secrets: not in the code; {history}")
