"""A lock file that the last user may remove."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock between processes and threads; it is not re-entrant.

    Args:
        path: The lock file; it and its directory are made as needed.
    """
    while True:
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        with path.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            # Whoever held it before may have removed it: a lock on a removed
            # file locks nobody out.
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_ino == os.fstat(lock.fileno()).st_ino:
                    yield
                    return
