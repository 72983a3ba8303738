"""The app knows scheme, name and visitor, and forged X-Forwarded-* headers change nothing."""

from __future__ import annotations

from provisioning.doctor.finding import Finding, failed, passed, unseen
from provisioning.doctor.seen import AppSeen
from provisioning.doctor.visitor import FORGED

FIX = {
    "flask": "app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1)",
    "django": 'SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")',
}
VISITOR = "203.0.113.77"
"""As in doctor/probe.py."""


def judge(seen: AppSeen) -> Finding | None:
    """Judge what the app takes for true, and what it makes of claims."""
    fix = FIX.get(seen.says.framework, "trust X-Forwarded-For and X-Forwarded-Proto of one proxy")
    forged = seen.site.forged
    if forged and FORGED in forged.headers.get("location", "") + forged.body:
        return failed(
            "a visitor's X-Forwarded-Host or -Prefix appears in the answer",
            "trust these headers of the web server only, which overwrites them: fab provision",
        )
    proxied = seen.says.proxied
    if proxied is None:
        return unseen(seen.absent or seen.says.error or "the app's framework is not known")
    if proxied.scheme != "https" or not proxied.url.startswith("https://"):
        return failed(f"the app's external URLs begin with {proxied.url.partition(':')[0]}:", fix)
    # Django leaves the address to the app, which reads the header itself.
    leaves_it = seen.sets_client or seen.says.framework == "django"
    if proxied.client != VISITOR and not leaves_it:
        return failed(f"the app takes {proxied.client or 'nobody'} for the visitor", fix)
    claims = "" if forged else "; forged headers: not tried"
    return passed(f"the app's external URL is {proxied.url}{claims}")
