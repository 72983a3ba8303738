"""What a build has left fits on the disk: seen before anything of it is copied."""

from __future__ import annotations

import os
from typing import Callable

from provisioning.agent.errors import AgentError
from provisioning.agent.machine import files
from provisioning.agent.machine.disk import free_mb


def check_room(
    top: int,
    target: str,
    what: str,
    *,
    most_entries: int,
    most_depth: int,
    is_left_out: Callable[[files.Entry], bool] = lambda entry: False,
) -> None:
    """Refuse what was made to fill the disk.

    Args:
        top: The build's folder, open; nothing of the build runs any more.
        target: Where it is to be copied.
        what: What it is, for the message: "the virtualenv /srv/...".
        most_entries: Files and directories that it may hold.
        most_depth: How deep directories may lie in each other.
        is_left_out: Says what is not copied.

    Raises:
        UnsafePathError: it holds more, or lies deeper.
        AgentError: the disk has no room for it.
    """
    entries, size_bytes = 0, 0

    def visit(here: int, entry: files.Entry) -> None:
        nonlocal entries, size_bytes
        if is_left_out(entry):
            return
        entries += 1
        size_bytes += entry[1].st_size
        if entries > most_entries:
            raise files.UnsafePathError(f"it holds more than {most_entries} files")

    files.walk(top, visit, most_depth=most_depth)
    size_mb, free = size_bytes >> 20, free_mb(os.path.dirname(target))
    if size_mb > free:
        raise AgentError(
            f"cannot keep {what}: it holds {size_mb} MB, and the disk has room for {free} MB",
            hint="free some space on the host (df -h, df -i), then run again",
        )


def stays_within(depth: int, link: str) -> bool:
    """Return whether a relative link leads to where its tree is.

    Args:
        depth: How many parts the link's own path below the tree has.
        link: Its target.
    """
    words = [word for word in link.split("/") if word not in ("", ".")]
    # Up only from where the link itself is: behind another link, up leads elsewhere.
    ups = next((n for n, word in enumerate(words) if word != ".."), len(words))
    return ups < depth and ".." not in words[ups:]
