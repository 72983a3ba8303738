"""What a lab has, one plain row per host."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class HostStatus:
    """One host at this moment.

    Attributes:
        state: `off`, or what systemd says of the whole host: `running`, `degraded` ...
        uptime_s: Since it was booted; 0 when it is off.
        memory_bytes: What its processes use; what they share is counted once.
    """

    name: str
    suite: str
    address: str
    state: str
    uptime_s: float
    memory_bytes: int
