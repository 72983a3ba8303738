"""Messages of the controller, read by a thread, so that "stop" is received during a step."""

from __future__ import annotations

import os
import queue
import threading
import time
from typing import Callable, Iterator, Optional, Tuple, TypeVar

from provisioning.agent.errors import StoppedError
from provisioning.agent.runs.messages import Ping, Request, Stop, message_of, request_of
from provisioning.agent.runs.wire import Decoder, Frame, WireError

T = TypeVar("T")

LEASE_S = 30.0
"""After this silence the controller counts as gone. It pings every 5 s."""

IDLE_S = 3600.0
"""Between two plans a longer silence does no harm: the person may have to answer a question."""

LOOK_UP_S = 0.5
"""How often a reader that waits for a frame checks whether to go on waiting."""


class Inbox:
    """Frames from the controller, in the order they came; any thread may put them in.

    Args:
        lease_s: Silence after which the agent stops at the next safe point; the first
            ping starts the lease, so that a caller that never pings is not bound by it.
            None: whoever carries on does so without a controller too.
        patience_s: Silence after which nothing is waited for any more.
    """

    def __init__(self, lease_s: Optional[float] = LEASE_S, patience_s: float = IDLE_S) -> None:
        self._lease_s = lease_s
        self._patience_s = patience_s
        self._pinged = self._stopped = self._closed = False
        self._heard = time.monotonic()
        # None wakes up whoever waits, to look what has become of the controller. These may
        # be put into by a signal's handler. Source: queue.SimpleQueue.put, "reentrant".
        self._messages: queue.SimpleQueue[Optional[Request]] = queue.SimpleQueue()
        self._blobs: queue.SimpleQueue[Optional[Tuple[str, bytes]]] = queue.SimpleQueue()
        self._forward: Optional[Callable[[Frame], None]] = None
        self._sorting = threading.Lock()

    def read_from(self, descriptor: int) -> None:
        """Take frames from a descriptor until it ends, in a thread; its end closes the inbox."""

        def read() -> None:
            for frame in frames(descriptor):
                self.take(frame)
            self.close()

        threading.Thread(target=read, daemon=True, name="inbox").start()

    def take(self, frame: Frame) -> None:
        """Take in a frame."""
        with self._sorting:
            self._heard = time.monotonic()
            if self._forward is not None and not _begins_anew(frame):
                self._forward(frame)
            else:
                self._sort(frame)

    def forward_to(self, forward: Callable[[Frame], None]) -> None:
        """Hand over every frame from now on, and before it whatever waits here.

        But for what begins another run: the controller says it as soon as it has heard the last
        word of this one, which may be before we have heard of its end.
        """
        with self._sorting:
            while not self._messages.empty():
                request = self._messages.get()
                if request is not None:
                    forward(message_of(request))
            while not self._blobs.empty():
                blob = self._blobs.get()
                if blob is not None:
                    forward(blob)
            if self._stopped:
                # It is for whoever reads there.
                forward(message_of(Stop()))
                self._stopped = False
            self._forward = forward

    def keep(self) -> None:
        """Keep the frames again: the process that received them is gone."""
        with self._sorting:
            self._forward = None

    def stop(self) -> None:
        """Have work end at the next safe point. Callable from a signal's handler."""
        self._stopped = True
        self._wake()

    def close(self) -> None:
        """Take no more: the controller is gone."""
        self._closed = True
        self._wake()

    @property
    def stopped(self) -> bool:
        """Whether a controller has asked to stop."""
        return self._stopped

    @property
    def gone(self) -> bool:
        """Whether nothing can be expected from the controller any more."""
        return self._closed or self._lease_lost()

    def next_message(self) -> Optional[Request]:
        """Return the next request; None when there will be no more."""
        while True:
            message = _next(self._messages)
            if message is not None:
                return message
            over = self._closed or self._stopped or self._silent_s() > self._patience_s
            if over and self._messages.empty():
                return None

    def next_blob(self) -> Optional[Tuple[str, bytes]]:
        """Return the next content as (digest, data), or None when there will be no more."""
        while True:
            blob = _next(self._blobs)
            over = self._stopped or self.gone or self._silent_s() > self._patience_s
            if blob is not None or over:
                return blob

    def checkpoint(self) -> None:
        """Return if work may go on.

        Raises:
            StoppedError: somebody asked to stop, or the controller is gone.
        """
        if self._stopped or self.gone:
            # A lease that was lost during work is not waited for once more.
            self._closed = self._closed or self._lease_lost()
            raise StoppedError

    def _silent_s(self) -> float:
        return time.monotonic() - self._heard

    def _lease_lost(self) -> bool:
        return self._lease_s is not None and self._pinged and self._silent_s() > self._lease_s

    def _wake(self) -> None:
        self._messages.put(None)
        self._blobs.put(None)

    def _sort(self, frame: Frame) -> None:
        if isinstance(frame, tuple):
            self._blobs.put(frame)
            return
        request = request_of(frame)
        if isinstance(request, Ping):
            self._pinged = True
        elif isinstance(request, Stop):
            self.stop()
        else:
            self._messages.put(request)


def _begins_anew(frame: Frame) -> bool:
    return isinstance(frame, dict) and ("begin" in frame or "watch" in frame)


def _next(waiting: queue.SimpleQueue[T]) -> Optional[T]:
    try:
        return waiting.get(timeout=LOOK_UP_S)
    except queue.Empty:
        return None


def frames(descriptor: int) -> Iterator[Frame]:
    """Yield the frames that come from a descriptor, until it ends or sends nonsense."""
    decoder = Decoder()
    try:
        while True:
            data = os.read(descriptor, 1 << 16)
            if not data:
                return
            decoder.feed(data)
            yield from decoder
    except (OSError, WireError):
        return
