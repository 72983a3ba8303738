"""apt-get and dpkg as programs: asked nothing, waited for, and never torn.

They run in a session of their own with the output in a file, so that a lost connection, or
the death of the agent, does not end them half-way.
"""

from __future__ import annotations

import os
import time
from typing import Callable, Sequence

from provisioning.agent import layout
from provisioning.agent.debian import apt_locks, apt_sources
from provisioning.agent.machine.programs import Completed
from provisioning.agent.machine.system import System

ENVIRONMENT = {
    "DEBIAN_FRONTEND": "noninteractive",
    "DEBIAN_PRIORITY": "critical",
    # Restart services that use an upgraded library without asking. Source: needrestart(1).
    "NEEDRESTART_MODE": "a",
    "UCF_FORCE_CONFFOLD": "1",
}
OPTIONS = (
    # Somebody may be quicker after we have waited. Source: apt.conf(5), in seconds.
    "-o", "DPkg::Lock::Timeout=60",
    # Keep configuration files that were changed. Source: dpkg(1).
    "-o", "Dpkg::Options::=--force-confold",
    "-o", "Dpkg::Options::=--force-confdef",
    # The two knobs of a slow archive: try again, and do not hang for minutes.
    "-o", "Acquire::Retries=2",
    "-o", "Acquire::http::Timeout=20",
    "-o", "Acquire::https::Timeout=20",
)  # fmt: skip

TELL_EVERY_S = 5.0
"""How often at most the progress of apt-get is shown: an archive may be slow or silent."""

LONGEST_S = 3600.0
"""Packages may take long, but not forever."""


def apt_get(system: System, *arguments: str, timeout_s: float = LONGEST_S) -> Completed:
    """Run apt-get when no other program is installing packages.

    Raises:
        AgentError: somebody is, for longer than we wait; or it takes longer than `timeout_s`.
    """
    while True:
        done = _apt_get(system, arguments, timeout_s)
        if done.status == 0 or not apt_sources.leave_out(done, system):
            return done


def apt_cache(system: System, *arguments: str) -> Completed:
    """Ask what is known of packages, of the sources that can be read."""
    while True:
        done = system.run(["apt-cache", *apt_sources.options(system), *arguments])
        if done.status == 0 or not apt_sources.leave_out(done, system):
            return done


def _apt_get(system: System, arguments: Sequence[str], timeout_s: float) -> Completed:
    argv = ["apt-get", "-q", "-y", *OPTIONS, *apt_sources.options(system), *arguments]
    if "--simulate" in arguments:
        # It needs no lock, and may be torn.
        return system.run(argv, env=ENVIRONMENT)
    give_up = time.monotonic() + apt_locks.WAIT_S
    while True:
        apt_locks.wait(system)
        done = detached(system, argv, timeout_s)
        beaten = done.status != 0 and "Could not get lock" in done.stdout
        if not beaten or time.monotonic() > give_up:
            return done


def detached(system: System, argv: Sequence[str], timeout_s: float = LONGEST_S) -> Completed:
    """Run with the output in a file, so that the death of the agent tears nothing."""
    os.makedirs(layout.RUNTIME, mode=0o700, exist_ok=True)
    log = os.path.join(layout.RUNTIME, "packages.log")
    command = ["sh", "-c", 'log=$1; shift; exec "$@" >"$log" 2>&1 </dev/null', "sh", log, *argv]
    tell = _teller(system, argv[0], log)
    done = system.run(command, env=ENVIRONMENT, timeout_s=timeout_s, meanwhile=tell)
    return Completed(done.status, system.read(log).decode(errors="replace"), "")


def _teller(system: System, program: str, log: str) -> Callable[[], None]:
    """Return what says, every few seconds, the last line that a program has printed."""
    said, told = "", time.monotonic()

    def tell() -> None:
        nonlocal said, told
        if time.monotonic() - told < TELL_EVERY_S:
            return
        printed = system.read(log).decode(errors="replace").split("\n")
        # What follows the last newline is not written to its end.
        line = next((line.strip() for line in reversed(printed[:-1]) if line.strip()), "")
        if line and line != said:
            system.say(f"{program}: {line}")
            said, told = line, time.monotonic()

    return tell


def errors(done: Completed) -> str:
    """Return what a person needs of apt's output."""
    lines = (done.stdout + done.stderr).splitlines()
    # What a package's script has met may stand far above what dpkg makes of it.
    full = [line for line in lines if "No space left on device" in line][-1:]
    for trouble in (("E:", "dpkg: error"), ("Err:", "W:")):
        found = [line for line in lines if line.startswith(trouble)]
        if found:
            return "\n".join([*full, *found[-6:]])
    return done.tail
