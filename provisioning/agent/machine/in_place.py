"""Files and links that are put in place at once: written beside their place, then renamed."""

from __future__ import annotations

import contextlib
import os
from typing import Callable

from provisioning.agent import layout
from provisioning.agent.machine import files


def write_beside(path: str, data: bytes, own: Callable[[int], None]) -> None:
    """Write a file next to its place.

    It has a name that no `conf.d/*` matches, and its final owner and mode from the start.
    The name is always the same, so that what a killed run left behind is overwritten.

    Args:
        path: Its place.
        data: Its content.
        own: Gives the open file its owner and mode.
    """
    part = layout.temporary(path)
    _unlink_if_there(part)
    try:
        with open(files.create(part), "wb") as file:
            own(file.fileno())
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        _unlink_if_there(part)
        raise


def link_beside(path: str, target: str) -> None:
    """Make a symbolic link next to its place."""
    part = layout.temporary(path)
    _unlink_if_there(part)
    files.symlink(target, part)


def put_in_place(path: str) -> None:
    """Move what was made next to its place there; if that fails, remove it."""
    part = layout.temporary(path)
    try:
        files.rename(part, path)
    except OSError:
        files.unlink(part)
        raise
    files.sync(os.path.dirname(path))


def _unlink_if_there(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        files.unlink(path)
