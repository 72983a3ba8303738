"""Cookies are Secure, HttpOnly and SameSite."""

from __future__ import annotations

from collections.abc import Iterator

from provisioning.doctor.finding import Finding, failed, passed, unseen
from provisioning.doctor.seen import AppSeen, Cookies

MEND = {
    "flask": 'SESSION_COOKIE_SECURE=True and SESSION_COOKIE_SAMESITE="Lax" in app.config',
    "django": "SESSION_COOKIE_SECURE = True, CSRF_COOKIE_SECURE = True",
}


def judge(seen: AppSeen) -> Finding | None:
    """Judge the cookies that were set, and how the framework would set that of a session."""
    mend = MEND.get(seen.says.framework, "give each cookie Secure, HttpOnly and SameSite=Lax")
    for answer in (seen.site.home, seen.site.missing, seen.site.health):
        for cookie in answer.cookies if answer else ():
            lacking = ", ".join(_lacking(cookie))
            if lacking:
                return failed(f"the cookie {_name(cookie)} lacks {lacking}", mend)
    rule = seen.says.cookies
    lacking = ", ".join(_lacking_by(rule)) if rule else ""
    if rule and lacking:
        return failed(f"the session's cookie {rule.name} lacks {lacking}", mend)
    if rule is None and (seen.site.error or seen.says.error):
        return unseen(seen.site.error or seen.absent or seen.says.error)
    return passed("all that were set, and that of a session" if rule else "all that were set")


def _lacking_by(rule: Cookies) -> Iterator[str]:
    yield from () if rule.secure else ("Secure",)
    yield from () if rule.httponly else ("HttpOnly",)
    yield from () if rule.samesite in ("Lax", "Strict") else ("SameSite",)


def _lacking(cookie: str) -> Iterator[str]:
    attributes = {part.strip().lower().partition("=")[0] for part in cookie.split(";")[1:]}
    # Scripts read the token against forged forms: it is none of a session.
    is_token = "csrf" in _name(cookie).lower()
    for name in ("Secure", "HttpOnly", "SameSite"):
        if name.lower() not in attributes and not (is_token and name == "HttpOnly"):
            yield name


def _name(cookie: str) -> str:
    return cookie.partition("=")[0][:60]
