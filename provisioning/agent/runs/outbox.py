"""Messages to the controller or a listener."""

from __future__ import annotations

import os
import select
from typing import Callable, List

from provisioning.agent import events
from provisioning.agent.runs.messages import Response, message_of
from provisioning.agent.runs.wire import pack

PIPE_BYTES = 4096
"""What a pipe that polls as writable takes without blocking. Source: pipe(7), PIPE_BUF."""

LOOK_UP_S = 1.0


class Outbox:
    """Messages to one or several listeners, in the order they are given.

    Args:
        listeners: Each is called with every message.
    """

    def __init__(self, *listeners: Callable[[Response], None]) -> None:
        self._listeners = listeners
        self._unchanged: List[str] = []

    def send(self, message: Response) -> None:
        """Send a message, after whatever waited to be sent with it."""
        self.flush()
        self._send(message)

    def flush(self) -> None:
        """Send whatever waits to be sent with the next message."""
        if self._unchanged:
            unchanged = events.Unchanged(tuple(self._unchanged))
            self._unchanged.clear()
            self._send(unchanged)

    def event(self, event: events.Event) -> None:
        """Send an event; runs of unchanged resources become one."""
        if isinstance(event, events.Finished) and event.status == events.UNCHANGED:
            self._unchanged.append(event.id)
            return
        self.send(event)

    def _send(self, message: Response) -> None:
        for listener in self._listeners:
            listener(message)


class FrameWriter:
    """A listener at the other end of a pipe.

    Args:
        descriptor: Where frames are written.
        gone: Whether nobody reads there any more. A controller whose network went silent
            does not close anything: writing to it would block for ever.
    """

    def __init__(self, descriptor: int, gone: Callable[[], bool] = lambda: False) -> None:
        self.descriptor = descriptor
        self._gone = gone
        self.broken = False

    def __call__(self, message: Response) -> None:
        """Write a message. A listener that is gone is no reason to stop half-way."""
        self.write(pack(message_of(message)))

    def write(self, frame: bytes) -> None:
        """Write a frame as it is."""
        data = memoryview(frame)
        poll = select.poll()
        poll.register(self.descriptor, select.POLLOUT)
        while data and not self.broken:
            if not poll.poll(LOOK_UP_S * 1000):
                self.broken = self._gone()
                continue
            try:
                data = data[os.write(self.descriptor, data[:PIPE_BYTES]) :]
            except OSError:
                self.broken = True
