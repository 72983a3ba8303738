"""Make a change of names last: a rename survives a power cut once its directory is on disk."""

from __future__ import annotations

import contextlib
import os


def sync_directory(path: str) -> None:
    """Write a directory's entries to disk. Source: fsync(2), NOTES on directories."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class NothingAt:
    """Make sure that nothing is at a path before, nor after a failure."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __enter__(self) -> None:
        self._unlink()

    def __exit__(self, type_: object, value: object, traceback: object) -> None:
        if value is not None:
            self._unlink()

    def _unlink(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path)


def replace(path: str, text: str) -> None:
    """Put a root-only file in place, atomically and durably, and its directory if need be."""
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    part = path + ".new"
    with (
        NothingAt(part),
        open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file,
    ):
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
        os.replace(part, path)
    sync_directory(os.path.dirname(path))
