"""Logs of many hosts as one: page after page of each, let out in the order of time."""

from __future__ import annotations

import heapq
import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from provisioning.errors import ConnectionLostError, HostKeyError, UnreachableError
from provisioning.protocol.queries import log_page
from provisioning.report import LogLine

if TYPE_CHECKING:
    from provisioning.hosts.host import RemoteHost

LOOK_EVERY_S = 1.0
"""How often a host is asked for what is new."""

HOLD_S = 3.0
"""How long a line waits for hosts that have not told yet what they have from before it."""


@dataclass(frozen=True)
class Query:
    """What is asked of a host's journal.

    Args:
        apps: Names of apps.
        since: Seconds since the epoch; 0 for all there is.
        lines: Only the last so many, to begin with; 0 for all.
        grep: Only what holds this text; "" for all.
    """

    apps: Sequence[str]
    since: float = 0.0
    lines: int = 0
    grep: str = ""


class Merged:
    """Lines of several hosts in the order of time. Safe for threads.

    A line is let out once every host has told all that it has from before. Clocks of hosts
    may differ: then the order is that of their clocks.

    Args:
        hosts: Their names.
        out: Called with lines in order, or with none, whenever a host has told something.
        hold_s: Seconds after which a line is let out whatever other hosts may have; None waits
            until they have told, or left.
    """

    def __init__(
        self,
        hosts: Sequence[str],
        out: Callable[[Sequence[LogLine]], None],
        *,
        hold_s: float | None = None,
    ) -> None:
        self._lock = threading.Lock()
        self._out = out
        self._hold_s = hold_s
        self._until = dict.fromkeys(hosts, -math.inf)
        self._number = 0
        # Time, number in the order of arrival, moment of arrival, line.
        self._waiting: list[tuple[float, int, float, LogLine]] = []

    def add(self, host: str, lines: Sequence[LogLine], until: float) -> None:
        """Take lines of a host.

        Args:
            host: Its name.
            lines: In order.
            until: Seconds since the epoch: the host has nothing more from before.
        """
        with self._lock:
            arrived = time.monotonic()
            for line in lines:
                self._number += 1
                heapq.heappush(self._waiting, (line.at, self._number, arrived, line))
            self._until[host] = max(self._until.get(host, -math.inf), until)
            self._let_out()

    def leave(self, host: str) -> None:
        """Wait for a host no more."""
        with self._lock:
            self._until.pop(host, None)
            self._let_out()

    def _let_out(self) -> None:
        bound = min(self._until.values(), default=math.inf)
        if self._hold_s is not None:
            late = time.monotonic() - self._hold_s
            overdue = (at for at, _, arrived, _ in self._waiting if arrived <= late)
            bound = max(bound, max(overdue, default=-math.inf))
        ready = []
        while self._waiting and self._waiting[0][0] <= bound:
            ready.append(heapq.heappop(self._waiting)[-1])
        # Also with none: so it is learnt that nobody reads along any more.
        self._out(ready)


def read_log(
    run: RemoteHost, query: Query, merged: Merged, following: threading.Event | None
) -> None:
    """Read a host's log to its end, or on and on: across lost connections and reboots, too.

    Args:
        run: The host.
        query: What is asked for.
        merged: Where lines go.
        following: Ends it once it is set; None ends it where the log does.

    Raises:
        HomeportError: The host cannot be asked, and has not been heard before.
    """
    after, since, lines = "", query.since, query.lines
    heard = False
    while True:
        try:
            page = run.ask(
                log_page(query.apps, grep=query.grep, after=after, since=since, lines=lines)
            )
        except ConnectionLostError:
            if following is None or not heard:
                raise
            if not _come_back(run, following):
                return
            continue
        heard = True
        found = [
            LogLine(run.name, each.at, each.unit, each.priority, each.text) for each in page.entries
        ]
        more, after = page.more, page.cursor
        told = found[-1].at if found else -math.inf
        merged.add(run.name, found, told if more else page.now)
        if not after:
            # Nothing so far; what comes is from later.
            since, lines = page.now, 0
        if more:
            continue
        if following is None or following.wait(LOOK_EVERY_S):
            return


def _come_back(run: RemoteHost, following: threading.Event) -> bool:
    """Connect to a host again, for as long as it takes; return whether that is still wanted.

    Raises:
        HostKeyError: It is another host by now.
    """
    if following.is_set():
        return False
    run.note("the connection was lost: reconnecting")
    while not following.wait(LOOK_EVERY_S):
        try:
            run.connect_again()
        except HostKeyError:
            raise
        except (ConnectionLostError, UnreachableError):
            continue
        run.note("reconnected")
        return True
    return False
