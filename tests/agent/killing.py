"""Kill a run before any one of its system calls that change something.

Python's audit hooks see every such call before it is made. A run that was killed changes
nothing any more, not even in its `finally` blocks: just as after SIGKILL.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

CHANGING = frozenset(
    {
        "os.chmod", "os.chown", "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir",
        "os.symlink", "os.truncate", "subprocess.Popen",
    }
)  # fmt: skip
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Killed(BaseException):
    """Not an Exception: nothing may catch it."""


class _Killer:
    def __init__(self) -> None:
        self.left: int | None = None

    def hook(self, event: str, arguments: tuple[object, ...]) -> None:
        if self.left is None:
            return
        changes = event in CHANGING
        if event == "open":
            path, _, flags = arguments
            changes = isinstance(path, (str, bytes)) and bool(int(str(flags)) & WRITING)
        if not changes:
            return
        if self.left <= 0:
            raise Killed(event)
        self.left -= 1


_killer = _Killer()
sys.addaudithook(_killer.hook)


@contextmanager
def killed_after(changes: int) -> Iterator[None]:
    """Let so many changing calls pass, and none after them."""
    _killer.left = changes
    try:
        yield
    finally:
        _killer.left = None


def kill_everywhere(prepare: Callable[[], None], work: Callable[[], object]) -> Iterator[int]:
    """Kill the work before its first changing call, its second, ... until it gets through.

    Args:
        prepare: Puts everything back to the beginning; called before each attempt.
        work: What is killed.

    Yields:
        How many changing calls were made before it was killed.
    """
    for changes in range(10_000):
        prepare()
        try:
            with killed_after(changes):
                work()
        except Killed:
            yield changes
        else:
            assert changes > 0, "the work changes nothing: it cannot be killed on the way"
            return
    raise AssertionError("the work never got through")
