"""A stand-in for a console: what a person types, and what there is to see."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

from provisioning.hosts.exec import Size

PATIENCE_S = 60


class FakeConsole:
    """A person's side of an attached program.

    Args:
        typed: Yields what is typed; it may wait for what there is to see.
        size: Of the terminal, or None for pipes.
    """

    def __init__(
        self,
        typed: Callable[[FakeConsole], Iterator[bytes | Size]] | None = None,
        size: Size | None = None,
    ) -> None:
        self.size = size
        self.seen = {False: b"", True: b""}
        """Whether it was on stderr -> what there was to see."""
        self._typed = typed
        self._changed = threading.Condition()

    def input(self) -> Iterator[bytes | Size]:
        yield from self._typed(self) if self._typed else ()

    def write(self, data: bytes, *, error: bool) -> None:
        with self._changed:
            self.seen[error] += data
            self._changed.notify_all()

    def wait_for(self, text: bytes) -> None:
        """Wait until a text is there to be seen on stdout."""
        with self._changed:
            assert self._changed.wait_for(lambda: text in self.seen[False], PATIENCE_S), self.seen
