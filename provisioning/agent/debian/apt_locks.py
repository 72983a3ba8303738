"""The locks of Debian's package manager: wait for the program that holds them, and name it.

apt has an option for that, but it covers only two of the four locks, and says nothing that
a person would see.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
import time
from typing import Callable, Optional

from provisioning.agent.errors import AgentError
from provisioning.agent.machine.system import System

# Source: apt's file-locking notes in its documentation, and apt.conf(5), Dir::State, Dir::Cache.
LOCKS = (
    "/var/lib/dpkg/lock-frontend",
    "/var/lib/dpkg/lock",
    "/var/lib/apt/lists/lock",
    "/var/cache/apt/archives/lock",
)
# Source: dpkg(1): where packages' own scripts lie while they run.
SCRIPTS = (b"/var/lib/dpkg/info/", b"/var/lib/dpkg/tmp.ci/")
INTERPRETERS = ("python", "perl", "sh", "bash", "dash")

WAIT_S = 600.0
"""A first unattended upgrade of a new server takes some minutes."""

LOOK_EVERY_S = 0.5


def holder() -> str:
    """Return who holds one of the locks, as "unattended-upgrade (process 123)", or ""."""
    for path in LOCKS:
        pid = _lock_holder(path)
        if pid is not None:
            return _describe(pid)
    return ""


def left_script() -> str:
    """Return a package's script that is running; it may have outlived a dpkg that was killed."""
    for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
        if any(word.startswith(SCRIPTS) for word in _command_line(pid).split(b"\0")):
            return _describe(pid)
    return ""


def wait(system: System, at_work: Callable[[], str] = holder) -> None:
    """Return when no program is installing packages.

    Stopping is safe while this waits.

    Args:
        system: The machine.
        at_work: Returns who is, or "".

    Raises:
        AgentError: somebody still is after WAIT_S; says who.
        StoppedError: the run is to end.
    """
    give_up = time.monotonic() + WAIT_S
    said = ""
    while True:
        who = at_work()
        if not who:
            return
        if time.monotonic() > give_up:
            raise AgentError(
                f"cannot install packages: {who} is still using apt, after {WAIT_S:.0f} s of "
                "waiting",
                hint="let it finish on the host, then run again",
            )
        if who != said:
            system.say(f"waiting for {who}, which is using apt")
            said = who
        system.checkpoint()
        time.sleep(LOOK_EVERY_S)


def _lock_holder(path: str) -> Optional[int]:
    """Return the process that holds a lock; 0 or less where it cannot be told, None if free.

    Only asks: taking the lock to see whether it is free could make somebody else's apt fail.
    """
    # Source: fcntl(2), struct flock: type, whence, start, length, process.
    form = "hhqqi"
    wanted = struct.pack(form, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        answer = fcntl.fcntl(descriptor, fcntl.F_GETLK, wanted)
    finally:
        os.close(descriptor)
    type_, _, _, _, pid = struct.unpack(form, answer)
    return None if type_ == fcntl.F_UNLCK else int(pid)


def _describe(pid: int) -> str:
    words = [os.fsdecode(os.path.basename(each)) for each in _command_line(pid).split(b"\0")]
    name = words[0]
    if name.rstrip("0123456789.") in INTERPRETERS:
        # A script is known by its own name.
        name = next((each for each in words[1:] if each and not each.startswith("-")), name)
    return f"{name} (process {pid})" if name else "another program"


def _command_line(pid: int) -> bytes:
    with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as file:
        return file.read()
    return b""
