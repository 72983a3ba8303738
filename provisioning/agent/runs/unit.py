"""Leave the login session for a unit of one's own: what ends the session leaves us alone."""

from __future__ import annotations

import os
import signal
import socket
import time

from provisioning.agent.errors import AgentError
from provisioning.agent.machine import programs

JOURNAL = "/run/systemd/journal/stdout"
MANAGER = (
    "org.freedesktop.systemd1",
    "/org/freedesktop/systemd1",
    "org.freedesktop.systemd1.Manager",
)
WAIT_S = 30.0


def leave_terminal() -> None:
    """Read nothing, write to the journal, and survive the end of the terminal."""
    null = os.open("/dev/null", os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    os.dup2(null, 2)
    os.close(null)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        journal = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        journal.connect(JOURNAL)
        # Source: systemd, sd_journal_stream_fd(): identifier, unit, priority, whether lines
        # have prefixes, and three kinds of forwarding.
        journal.sendall(b"homeport\n\n6\n1\n0\n0\n0\n")
        os.dup2(journal.fileno(), 2)
        journal.close()
    except OSError:
        return


def become(name: str, description: str) -> None:
    """Move this process into a transient scope.

    Args:
        name: The scope's, such as "homeport-run-1.scope".
        description: Shown by `systemctl status`.

    Raises:
        AgentError: systemd refuses.
    """
    if not os.path.isdir("/run/systemd/system"):
        # Source: sd_booted(3). Nothing here ends what a session leaves.
        return
    # Source: org.freedesktop.systemd1(5), StartTransientUnit(name, mode, properties, aux).
    done = programs.run(
        ["busctl", "call", *MANAGER, "StartTransientUnit", "ssa(sv)a(sa(sv))", name, "fail",
         "3", "PIDs", "au", "1", str(os.getpid()), "Description", "s", f"Homeport: {description}",
         "CollectMode", "s", "inactive-or-failed", "0"]
    )  # fmt: skip
    if done.status != 0:
        raise AgentError("systemd did not create a unit for it: " + done.tail)
    deadline = time.monotonic() + WAIT_S
    while not _is_in(name):
        if time.monotonic() > deadline:
            raise AgentError(f"systemd did not move it into {name}")
        time.sleep(0.002)


def _is_in(name: str) -> bool:
    with open("/proc/self/cgroup") as groups:
        return any(line.rstrip("\n").endswith("/" + name) for line in groups)
