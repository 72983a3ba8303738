"""What an answer of the health path says about a release that is to start."""

from __future__ import annotations

from typing import Sequence

from provisioning.agent.machine.http import Answer

SHOWN_CHARS = 200

_GETS_READY = (408, 425, 429, 502, 503, 504)
"""Answers of a server that may answer otherwise in a moment. Source: RFC 9110, 15.5 and 15.6."""

STEADY_S, STEADY_ERROR_S = 5.0, 10.0
"""How long a server gives one and the same answer until it counts as the one that it will give:
redirects and refusals are what the app means; an error may be of something that is still coming."""


def patience_s(status: int, timeout_s: float) -> float:
    """Return how many seconds one and the same status is waited out.

    Args:
        status: Of the answer; 0 for none.
        timeout_s: How long a release may take to become healthy.
    """
    if status == 0 or status in _GETS_READY:
        return timeout_s
    return min(timeout_s, STEADY_S if 300 <= status < 500 else STEADY_ERROR_S)


def wanted(statuses: Sequence[int]) -> str:
    """Return the healthy statuses as a message says them: "200 or 204"."""
    return " or ".join(str(status) for status in statuses)


def told(answer: Answer, path: str, statuses: Sequence[int] = (200,)) -> str:
    """Return what was answered in place of a healthy status."""
    good = wanted(statuses)
    if answer.status == 0:
        return f"{path} was not answered in time ({answer.body})"
    if to := answer.headers.get("location", ""):
        return (
            f"{path} answered {answer.status} instead of {good}: a redirect to {to[:SHOWN_CHARS]}"
        )
    return f"{path} answered {answer.status} instead of {good}: {answer.body[:SHOWN_CHARS].strip()}"


def mend(answer: Answer, path: str, host: str, app: str) -> str:
    """Return what to do about it, "" where the status does not tell.

    Args:
        answer: What was answered.
        path: The health path.
        host: The host that was asked for.
        app: The app's name.
    """
    choose = (
        f"set `health` of [apps.{app}] to a path that answers 200 itself, or `health_status` to "
        "what it answers"
    )
    if 300 <= answer.status < 400:
        to = answer.headers.get("location", "")
        if to.rstrip("/") == f"https://{host}{path}".rstrip("/"):
            return (
                "the app redirects to HTTPS a request that came by HTTPS: have it believe "
                "X-Forwarded-Proto (Django: SECURE_PROXY_SSL_HEADER; Flask: ProxyFix)"
            )
        return choose
    if answer.status == 400:
        return f"Django answers so if {host} is not in ALLOWED_HOSTS: add it; else {choose}"
    if answer.status in (401, 403, 404, 405):
        return choose
    return ""
