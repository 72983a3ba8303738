"""The byte pipe to one program on a host, whatever carries it."""

from __future__ import annotations

import threading
from collections import deque
from typing import Protocol

# What a message shows of a program's stderr is its end; the rest is dropped as it comes.
STDERR_LINES = 40
STDERR_LINE_BYTES = 1000


class Channel(Protocol):
    """A program's stdin, stdout and stderr. One thread may send while another receives."""

    def send(self, data: bytes) -> None:
        """Hand `data` to the program's stdin; block until all of it is handed over.

        Raises:
            ConnectionLostError: The connection is gone, or the program has ended.
        """
        ...

    def receive(self, timeout_s: float | None = None) -> bytes:
        """Return some bytes of stdout, or b"" once the program's stdout has ended.

        Args:
            timeout_s: Seconds to wait for the first byte; None waits for ever.

        Raises:
            TimeoutError: Nothing came within `timeout_s`.
            ConnectionLostError: The connection is gone: this is no end of stdout.
            UnreachableError: The program was never started (sudo refused it).
        """
        ...

    def stderr_tail(self) -> str:
        """Return the last lines of stderr; all of them once stdout has ended."""
        ...

    def exit_status(self) -> int | None:
        """Return the program's exit status, or None if it is not known (yet)."""
        ...

    def close(self) -> None:
        """Close the pipe; the program reads the end of its stdin. May be called twice."""
        ...


class LastLines:
    """The end of a stream of text, bounded; one thread feeds it, any thread reads it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lines: deque[bytes] = deque(maxlen=STDERR_LINES)
        self._unfinished = b""

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the stream."""
        with self._lock:
            *lines, rest = (self._unfinished + data).split(b"\n")
            self._lines.extend(line[:STDERR_LINE_BYTES] for line in lines)
            self._unfinished = rest[:STDERR_LINE_BYTES]

    def text(self) -> str:
        """Return the last lines, without the newline at the end."""
        with self._lock:
            lines = [*self._lines, self._unfinished] if self._unfinished else [*self._lines]
        return b"\n".join(lines).decode("utf-8", "replace").strip("\n")
