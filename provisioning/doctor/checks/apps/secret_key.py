"""The key that signs sessions is long, random, and comes from the environment."""

from __future__ import annotations

from provisioning.doctor.finding import Finding, failed, passed, unseen, warned
from provisioning.doctor.seen import AppSeen

LEAST_CHARS, LEAST_DISTINCT = 32, 10
"""Source: Django, check security.W009, asks for 50 and 5; hex digits alone have 16."""

MEND = "secrets = { SECRET_KEY = { generate = 32 } } in the inventory, read from os.environ; deploy"


def judge(seen: AppSeen) -> Finding | None:
    """Judge what the app says of its key."""
    key = seen.says.secret_key
    if key is None:
        return unseen(seen.absent or seen.says.error or "the app's framework is not known")
    if not key.chars:
        return warned("the app has no key: sessions cannot be signed", MEND)
    size = f"{key.chars} characters, {key.distinct} of them different"
    if key.chars < LEAST_CHARS or key.distinct < LEAST_DISTINCT:
        return failed(f"it can be guessed: {size}", MEND)
    if not key.variable:
        return failed("it is not the value of any variable of the environment", MEND)
    return passed(f"{key.variable} of the environment: {size}")
