"""Make a change of names last: a rename survives a power cut once its directory is on disk."""

from __future__ import annotations

import os


def sync_directory(path: str) -> None:
    """Write a directory's entries to disk. Source: fsync(2), NOTES on directories."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
