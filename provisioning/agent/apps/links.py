"""Links within releases: to where something is, and of files that several releases share."""

from __future__ import annotations

import contextlib
import os

from provisioning.agent.machine import files


def link_or_copy(source: str, path: str, mode: int) -> bool:
    """Have the same content at another path; releases are immutable, so they may share it.

    Returns:
        Whether it is the same file now, and no copy.
    """
    found = files.lstat(source)
    if found.st_mode & 0o7777 == mode and found.st_uid == 0:
        with contextlib.suppress(OSError):  # It may have too many names already.
            files.link(source, path)
            return True
    files.copy_file(source, path, mode)
    return False


def relative_link(path: str, target: str) -> str:
    """Return a link's target relative to where the link is."""
    return os.path.relpath(target, os.path.dirname(path))
