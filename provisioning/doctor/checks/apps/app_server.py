"""A server for production runs the app, not a framework's development server."""

from __future__ import annotations

import re

from provisioning.doctor.finding import Finding, failed, passed, unseen
from provisioning.doctor.seen import AppSeen

DEVELOPMENT = re.compile(r"\b(runserver(_plus)?|flask\b.*\brun|fastapi dev)\b|--reload|--debug")


def judge(seen: AppSeen) -> Finding | None:
    """Judge the app's processes, and the name that the server gives itself."""
    mend = "serve the app by one of Homeport's app servers: server = in the inventory, fab deploy"
    server = seen.site.home.headers.get("server", "") if seen.site.home else ""
    if "Werkzeug" in server or "WSGIServer" in server:
        return failed(f"the site says that it is {server[:60]}", mend)
    if seen.examination is None or not seen.examination.live:
        return unseen(seen.absent)
    for words in seen.examination.programs:
        if DEVELOPMENT.search(words):
            return failed(f"its process is {words}", mend)
    return passed(f"{len(seen.examination.programs)} processes, server = {seen.app.served_by}")
