"""Whether there is room on the host's disks: programs often fail without a word of it."""

from __future__ import annotations

import contextlib
import os

PLACES = ("/", "/srv", "/var")
"""Where deploys and packages write."""

HINT = "free some space on the host (df -h, df -i), then run again"

FEW_MB = 1
FEW_FILES = 16
"""Practically nothing: a program that found no room has freed what it used."""


def is_full() -> bool:
    """Return whether the bytes, or the files, of one of the places are used up."""
    return any(map(_is_full, PLACES))


def free_mb(path: str) -> int:
    """Return how much may be written below a path, in MB."""
    return _mb(os.statvfs(path))


def _is_full(path: str) -> bool:
    with contextlib.suppress(OSError):
        # Source: statvfs(3). f_files is 0 where files are not counted, as on Btrfs.
        found = os.statvfs(path)
        return _mb(found) < FEW_MB or (found.f_files > 0 and found.f_ffree < FEW_FILES)
    return False


def _mb(found: os.statvfs_result) -> int:
    return found.f_bfree * found.f_frsize // (1 << 20)
