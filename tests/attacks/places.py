"""Places that are root's alone: what lies there, nobody else has written or can exchange."""

from __future__ import annotations

import os
import re
import stat

PACKAGE_MADE = re.compile(r"/srv/[^/]+/(venvs|releases)(/|$)|/opt/homeport/uv(/|$)")
"""Files in here were written by packages of the index, whoever owns them now."""

_MAX_LINKS = 40
"""Source: path_resolution(7)."""

_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH


def not_roots_alone(path: str, root: str) -> str | None:
    """Say why a file is not in a place that is root's alone; None where it is.

    Every directory on the way, every link and the file itself must be root's, and writable by
    nobody else. A directory such as /tmp is not, sticky or not. What is gone by now was root's
    alone if the directory that it was in is.

    Args:
        path: Absolute, as seen from `root`.
        root: Where that "/" is to be seen, such as "/proc/<pid>/root".
    """
    left = path.split("/")[::-1]
    found: list[str] = []
    links = 0
    # With the slash: without it this were the link in /proc, which belongs to the process's user.
    reason = _look(f"{root}/", "/")
    while left and reason is None:
        part = left.pop()
        if part in ("", "."):
            continue
        if part == "..":
            del found[-1:]
            continue
        found.append(part)
        here = "/" + "/".join(found)
        reason = _look(root + here, here)
        if reason is None and os.path.islink(root + here):
            links += 1
            if links > _MAX_LINKS:
                return f"{path}: too many links"
            target = os.readlink(root + here)
            found = [] if target.startswith("/") else found[:-1]
            left += target.split("/")[::-1]
    return reason


def _look(outside: str, inside: str) -> str | None:
    if PACKAGE_MADE.match(inside):
        return f"{inside} is made by packages"
    try:
        seen = os.lstat(outside)
    except (FileNotFoundError, NotADirectoryError):
        return None
    if seen.st_uid != 0:
        return f"{inside} is owned by uid {seen.st_uid}"
    if not stat.S_ISLNK(seen.st_mode) and seen.st_mode & _WRITABLE_BY_OTHERS:
        return f"{inside} is {stat.filemode(seen.st_mode)}"
    return None
