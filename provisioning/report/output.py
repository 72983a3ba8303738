"""A stream that never stops a run: a reader that went away is no reason to leave hosts half-way."""

from __future__ import annotations

import contextlib
import os
import select
import threading
from typing import TextIO


class Output:
    """Writes whole texts, each at once.

    Args:
        stream: Where to.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._gone = False
        self.encoding: str = getattr(stream, "encoding", None) or "utf-8"

    def isatty(self) -> bool:
        """Return whether a person's terminal is at the other end."""
        return self._stream.isatty()

    def fileno(self) -> int:
        """Return the stream's file descriptor."""
        return self._stream.fileno()

    def write(self, text: str) -> int:
        """Write a text; characters that the stream cannot express become "?"."""
        expressible = text.encode(self.encoding, "replace").decode(self.encoding)
        with self._lock:
            if not self._gone:
                try:
                    self._stream.write(expressible)
                    self._stream.flush()
                except OSError:
                    self._give_up()
        return len(text)

    @property
    def gone(self) -> bool:
        """Whether the reader has closed the output; known before the next write."""
        with contextlib.suppress(OSError, ValueError), self._lock:
            poll = select.poll()
            poll.register(self._stream.fileno(), 0)
            # Source: poll(2): of a pipe, POLLERR says that its reading end was closed.
            if any(events & select.POLLERR for _, events in poll.poll(0)):
                self._give_up()
        return self._gone

    def flush(self) -> None:
        """Do nothing: everything written has been flushed."""

    def _give_up(self) -> None:
        """Write nothing any more, and let nothing complain about it when the process ends."""
        self._gone = True
        with contextlib.suppress(OSError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)
