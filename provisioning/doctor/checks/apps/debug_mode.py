"""Debug mode is off, and error pages show nothing of the inside."""

from __future__ import annotations

from provisioning.doctor.finding import Finding, failed, passed, unseen
from provisioning.doctor.seen import AppSeen

MARKS = (
    "Werkzeug Debugger",
    "__debugger__",
    "Traceback (most recent call last)",
    "DEBUG = True",
    "Django tried these URL patterns",
)
"""What debug pages of Flask, Django and others say."""

MEND = {
    "flask": "remove FLASK_DEBUG and debug=True, and deploy",
    "django": "set DEBUG = False in the settings of production, and deploy",
}


def judge(seen: AppSeen) -> Finding | None:
    """Judge what the app says of itself, and the pages that it shows."""
    mend = MEND.get(seen.says.framework, "switch the debug mode off, and deploy")
    pages = {"/": seen.site.home, "a missing page": seen.site.missing}
    for what, answer in pages.items():
        mark = next((each for each in MARKS if answer and each in answer.body), None)
        if mark:
            return failed(f'{what} shows "{mark}"', mend)
    if seen.says.debug:
        return failed("the app says that its debug mode is on", mend)
    if seen.says.leaks:
        return failed("an error within the app shows its inside, or comes out of the app", mend)
    if seen.says.debug is None:
        return unseen(seen.absent or seen.says.error or "the app's framework is not known")
    return passed("the app says so, and its error pages show nothing")
