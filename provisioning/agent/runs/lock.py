"""One run at a time on a host."""

from __future__ import annotations

import fcntl
import json
import os
import time
from typing import Optional

from provisioning.agent.runs.messages import RunInfo


class LockHeldError(Exception):
    """Another run is in progress on this host."""

    hint = "wait for it to end, then run again"


class HostLock:
    """An flock on a file that is never removed: it frees itself when its holder dies.

    The file says who holds it; the text is only read while the lock is held.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._descriptor: Optional[int] = None

    def acquire(self, about: RunInfo) -> None:
        """Take the lock.

        Args:
            about: The run that is to have it: shown to whoever comes second.

        Raises:
            LockHeldError: somebody else has it; says who, and since when.
        """
        os.makedirs(os.path.dirname(self._path), mode=0o700, exist_ok=True)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 4096).decode(errors="replace")
            os.close(descriptor)
            raise LockHeldError(_describe(holder)) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(about.values()).encode(), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        """Give the lock back; where a child has it too, it is the child's alone from now on."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _describe(text: str) -> str:
    try:
        holder = json.loads(text)
        ago_s = max(0, int(time.time() - holder["began"]))
        return (
            f"another run is in progress on this host: {holder['what']} by {holder['who']}, "
            f"started {ago_s} s ago"
        )
    except (ValueError, KeyError, TypeError):
        return "another run is in progress on this host"
