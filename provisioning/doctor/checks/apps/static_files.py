"""The web server itself serves static files, with caching headers."""

from __future__ import annotations

from provisioning.doctor.finding import Finding, failed, passed, unseen, warned
from provisioning.doctor.seen import AppSeen


def judge(seen: AppSeen) -> Finding | None:
    """Judge the answers for a few static files."""
    own = seen.says.static_url
    if not seen.app.static:
        if own:
            return warned(
                f"the app itself serves {own}",
                f'static = {{ "{own.rstrip("/")}/" = "FOLDER" }} under [apps.{seen.app.name}]',
            )
        return None
    if seen.site.error:
        return unseen(seen.site.error)
    if not seen.site.static:
        return unseen(seen.absent or "there is no static file")
    for url, answer in seen.site.static.items():
        if answer.status != 200:
            return failed(
                f"{url} answers {answer.status or answer.body}", "fab provision; fab deploy"
            )
        if "max-age" not in answer.headers.get("cache-control", ""):
            return warned(f"{url} has no caching header", "fab provision")
        if not seen.web.ETAG.fullmatch(answer.headers.get("etag", "")):
            return warned(f"the app, not the web server, answers for {url}", "fab provision")
    answer = next(iter(seen.site.static.values()))
    return passed(f"{len(seen.site.static)} tried: {answer.headers['cache-control']}")
