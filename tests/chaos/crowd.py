"""Visitors who are asked at any time how it goes: steady load, in a thread of its own."""

from __future__ import annotations

import asyncio
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from provisioning.lab import Lab, LabHost
from tests.e2e.kinds import STEADY
from tests.e2e.load import Failure, Load

PAUSE_S = 0.05
"""Between two requests of a visitor: some 200 a second from all, and the machine is not busy."""

KINDS = tuple(replace(kind, pause_s=PAUSE_S) for kind in STEADY)

Outage = tuple[float, float]
"""From and until when a host was gone, by time.monotonic()."""


class Crowd:
    """What visitors meet with.

    Args:
        load: They, at work in another thread.
    """

    def __init__(self, load: Load) -> None:
        self._load = load

    @property
    def requests(self) -> int:
        """How many requests were sent so far."""
        return self._load.requests

    def failures(self, since: float) -> list[Failure]:
        """Return the requests that failed after a time of time.monotonic()."""
        return [each for each in self._load.failures if each.ended >= since]

    def wait_for_answers(self, requests: int = 20) -> None:
        """Return when so many more requests were sent than at the call."""
        wanted = self.requests + requests
        while self.requests < wanted:
            time.sleep(0.005)


@contextmanager
def crowd(lab: Lab, host: LabHost, name: str = "hello.lab") -> Iterator[Crowd]:
    """Have visitors on a site for the length of a block."""
    with tempfile.TemporaryDirectory(prefix="homeport-load-") as directory:
        authority, stop = Path(directory, "root.pem"), Path(directory, "stop")
        authority.write_bytes(lab.acme.root_certificate)
        load = Load(host.address, name, str(authority), stop, KINDS)
        thread = threading.Thread(target=lambda: asyncio.run(load.run()), name="visitors")
        thread.start()
        try:
            yield Crowd(load)
        finally:
            stop.touch()
            thread.join()
