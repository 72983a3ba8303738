"""What must not be readable over HTTP: repositories, environments, source files, backups."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from provisioning.agent.machine.http import Answer

PATHS = (
    "/.git/HEAD", "/.git/config", "/.hg/requires", "/.svn/entries", "/.env", "/.env.production",
    "/.htpasswd", "/.ssh/id_rsa", "/.aws/credentials", "/.DS_Store", "/requirements.txt",
    "/pyproject.toml", "/uv.lock", "/Dockerfile", "/docker-compose.yml", "/fabfile.py", "/wsgi.py",
    "/app.py", "/manage.py", "/settings.py", "/config.py", "/db.sqlite3", "/backup.sql",
    "/dump.sql", "/backup.zip", "/backup.tar.gz", "/app.py~", "/app.py.bak", "/static/.env",
    "/static/../.env", "/static../.env",
)  # fmt: skip
"""Usual names: scanners ask every site for them."""


def exposed_paths(
    get: Callable[[str], Answer], missing: Answer, sources: Iterable[str]
) -> tuple[str, ...]:
    """Return the paths that answer with a file.

    Args:
        get: Asks for a path.
        missing: What a path that does not exist answers: some sites have a page for all of them.
        sources: Names of files of the app's source.
    """
    paths = dict.fromkeys((*PATHS, *(f"/{name}" for name in sources)))
    return tuple(path for path in paths if _is_file(get(path), missing))


def _is_file(answer: Answer, missing: Answer) -> bool:
    # A page: of an app that answers each path, or does its routing in the browser.
    is_page = "html" in answer.headers.get("content-type", "") or answer.body == missing.body
    return answer.status == 200 and bool(answer.body) and not is_page
