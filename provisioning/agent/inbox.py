"""What the controller sends: read by a thread, so that "stop" is heard during work."""

from __future__ import annotations

import os
import queue
import threading
import time
from typing import Optional, Tuple

from provisioning.agent.errors import StoppedError
from provisioning.agent.wire import Decoder, Message, WireError

LEASE_S = 30.0
"""Without a word for so long the controller is taken for gone. It pings every 5 s."""

IDLE_S = 3600.0
"""Between two plans nothing is at stake, and the other hosts of a deploy may take long."""


class Inbox:
    """Frames from the controller.

    Args:
        descriptor: Where to read from.
        lease_s: Silence after which the agent stops at the next safe point; the first
            ping starts the lease, so that a caller that never pings is not bound by it.
    """

    def __init__(self, descriptor: int, lease_s: float = LEASE_S) -> None:
        self._descriptor = descriptor
        self._lease_s = lease_s
        self._heard: Optional[float] = None
        self._stopped = threading.Event()
        self._messages: queue.Queue[Optional[Message]] = queue.Queue()
        self._blobs: queue.Queue[Optional[Tuple[str, bytes]]] = queue.Queue()
        threading.Thread(target=self._read, daemon=True, name="inbox").start()

    def next_message(self) -> Optional[Message]:
        """Return the next request, or None when there will be no more."""
        try:
            return self._messages.get(timeout=IDLE_S)
        except queue.Empty:
            return None

    def next_blob(self) -> Optional[Tuple[str, bytes]]:
        """Return the next content as (digest, data), or None when there will be no more."""
        while True:
            try:
                return self._blobs.get(timeout=1)
            except queue.Empty:
                if self._stopped.is_set() or self._lease_lost():
                    return None

    def checkpoint(self) -> None:
        """Return if work may go on.

        Raises:
            StoppedError: somebody asked to stop, or the controller is gone.
        """
        if self._stopped.is_set() or self._lease_lost():
            raise StoppedError

    def _lease_lost(self) -> bool:
        return self._heard is not None and time.monotonic() - self._heard > self._lease_s

    def _read(self) -> None:
        decoder = Decoder()
        try:
            while True:
                data = os.read(self._descriptor, 1 << 16)
                if not data:
                    break
                if self._heard is not None:
                    self._heard = time.monotonic()
                decoder.feed(data)
                for frame in decoder:
                    self._sort(frame)
        except (OSError, WireError):
            pass
        self._stopped.set()
        self._messages.put(None)
        self._blobs.put(None)

    def _sort(self, frame: object) -> None:
        if isinstance(frame, tuple):
            self._blobs.put(frame)
        elif isinstance(frame, dict):
            if "ping" in frame:
                self._heard = time.monotonic()
            elif "stop" in frame:
                self._stopped.set()
            else:
                self._messages.put(frame)
