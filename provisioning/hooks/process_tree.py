"""End a process with everything that it has started."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

GRACE_S = 3.0
"""Between asking a process to end and ending it."""


def end_tree(process: subprocess.Popen[bytes]) -> None:
    """End a process that leads a group of its own: asked first if it still runs, then at once.

    Its group goes with it, and on Linux so do children that have left the group while their
    parents are there.
    """
    others: set[int] = set()
    try:
        if process.poll() is None:
            others.update(_descendants(process.pid))
            _signal(process, others, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(GRACE_S)
    finally:
        # An impatient second Ctrl-C comes here, too.
        if process.poll() is None:
            others.update(_descendants(process.pid))
        _signal(process, others, signal.SIGKILL)
        process.wait()


def _signal(process: subprocess.Popen[bytes], others: set[int], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
    for pid in others:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def _descendants(pid: int) -> Iterator[int]:
    """Yield the children of a process, theirs, and so on; nothing where there is no /proc.

    Source: proc(5): in /proc/<pid>/stat, the parent is the second field after the name, which
    is in parentheses and may hold anything.
    """
    parents: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, IndexError, ValueError):
            parent = int(path.read_bytes().rpartition(b")")[2].split()[1])
            parents.setdefault(parent, []).append(int(path.parent.name))
    waiting = [pid]
    while waiting:
        children = parents.get(waiting.pop(), [])
        waiting += children
        yield from children
