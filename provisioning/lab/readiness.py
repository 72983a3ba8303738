"""Wait for a host: until it answers, until it has rebooted, until it is off."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from pathlib import Path

from provisioning.errors import HomeportError
from provisioning.lab.processes import tail

_POLL_S = 0.05
_CONNECT_TIMEOUT_S = 2.0

_INOTIFY = "/proc/sys/fs/inotify/max_user_instances"
_PER_HOST = 11
"""Inotify instances of a host's root, with somebody logged in; systemd's own are half of them."""


def wait_for(condition: Callable[[], bool], timeout_s: float, purpose: str, log: Path) -> None:
    """Return when a condition holds.

    Args:
        condition: Asked twenty times a second.
        timeout_s: How long it may take.
        purpose: What is waited for, as it reads after "cannot".
        log: A file whose last lines explain a failure; it may be missing.

    Raises:
        HomeportError: The time is up.
    """
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            output = tail(log.read_text(errors="replace")) if log.exists() else ""
            raise HomeportError(f"cannot {purpose} within {timeout_s:.0f} s", output=output)
        time.sleep(_POLL_S)


def speaks_ssh(address: str, port: int) -> bool:
    """Tell whether an ssh server greets there."""
    try:
        with socket.create_connection((address, port), timeout=_CONNECT_TIMEOUT_S) as connection:
            # Source: RFC 4253, section 4.2: the server greets first.
            return connection.recv(4).startswith(b"SSH")
    except OSError:
        return False


def hint_for(log: str) -> str:
    """Return what to do about a host that did not boot, going by its console's log; or "".

    Source: inotify(7): instances are counted per user, over all hosts of this machine.
    """
    if "inotify object: Too many open files" not in log:
        return ""
    limit = Path(_INOTIFY).read_text().strip()
    return (
        f"this machine allows {limit} inotify instances, and each host takes some {_PER_HOST}: "
        "start fewer hosts, or run sysctl fs.inotify.max_user_instances=1024"
    )
