"""The output of a program, from bytes to lines that a person may see."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from provisioning.secrets import REDACTOR

LINE_BYTES = 1 << 16
"""What is beyond in one line is passed over."""

SHOWN_CHARS = 2000
TAIL_LINES = 10


class Lines:
    """Takes bytes, says lines.

    Args:
        say: Called with each line, secrets masked.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._line = bytearray()
        self._last: deque[str] = deque(maxlen=TAIL_LINES)

    def feed(self, data: bytes) -> None:
        """Take bytes as they come."""
        *whole, rest = data.split(b"\n")
        for part in whole:
            self._add(part)
            self._end_line()
        self._add(rest)

    def end(self) -> None:
        """Say what was not ended by a newline."""
        if self._line:
            self._end_line()

    @property
    def tail(self) -> str:
        """The last lines."""
        return "\n".join(self._last)

    def _add(self, part: bytes) -> None:
        self._line += part[: max(0, LINE_BYTES - len(self._line))]

    def _end_line(self) -> None:
        # A progress bar returns to the beginning of its line; the last state counts.
        shown = bytes(self._line).rstrip(b"\r").rpartition(b"\r")[2]
        self._line.clear()
        # Masked before it is cut: half a secret would not be known for one.
        text = REDACTOR.redact(shown.decode("utf-8", "replace"))
        text = text if len(text) <= SHOWN_CHARS else f"{text[: SHOWN_CHARS - 3]}..."
        self._last.append(text)
        self._say(text)
