"""A peer that has gone silent: noticed whatever carries the connection.

TCP's own timers do not see through a gateway, and a middlebox may go on acknowledging for a
host that is gone. So a peer from which nothing comes is asked for a sign of life by SSH
itself, which every server answers.
"""

from __future__ import annotations

import errno
from collections.abc import Callable

TICK_S = 1.0
"""How long one attempt to read or write waits."""

ASK_EVERY_TICKS = 10
GONE_AFTER_TICKS = 30


class SilentPeerError(OSError):
    """The peer gives no sign of life.

    Args:
        silent_s: For how long.
    """

    def __init__(self, silent_s: float) -> None:
        # paramiko looks for an error number.
        super().__init__(errno.ETIMEDOUT, f"nothing came from it for {silent_s:.0f} s")

    def __str__(self) -> str:
        return str(self.strerror)


class Silence:
    """Counts the attempts to move bytes that came to nothing, one per TICK_S.

    They are counted, and no clock is read: a process that was stopped for an hour, or a
    laptop that was asleep, has made none.
    """

    def __init__(self) -> None:
        self._ask: Callable[[], None] | None = None
        self._unheard = self._stuck = 0

    def watch(self, ask: Callable[[], None]) -> None:
        """From now on give a silent peer up.

        Args:
            ask: Sends something that the peer answers.
        """
        self._ask = ask

    def heard(self) -> None:
        """Note that something came."""
        self._unheard = self._stuck = 0

    def nothing_came(self) -> None:
        """Note that nothing came for a tick.

        Raises:
            SilentPeerError: nothing has come for GONE_AFTER_TICKS.
        """
        if self._ask is None:
            return
        self._unheard += 1
        if self._unheard >= GONE_AFTER_TICKS:
            raise SilentPeerError(self._unheard * TICK_S)
        if self._unheard % ASK_EVERY_TICKS == 0:
            self._ask()

    def nothing_went(self) -> None:
        """Note that nothing could be sent for a tick.

        Raises:
            SilentPeerError: nothing went, and nothing has come, for GONE_AFTER_TICKS.
        """
        if self._ask is None:
            return
        self._stuck += 1
        if self._stuck >= GONE_AFTER_TICKS:
            raise SilentPeerError(self._stuck * TICK_S)

    @property
    def suspicious(self) -> bool:
        """Whether the peer was asked for an answer, and has not given one yet."""
        return max(self._unheard, self._stuck) > ASK_EVERY_TICKS
