"""Start a command, wait until its run has come to a moment, break something, and wait again."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass

from provisioning.hosts.background_run import RECONNECT_S
from provisioning.lab import LabHost
from tests.chaos.faults import Fault, Struck, bring_back, end, wait_until_free
from tests.chaos.moments import Moment, Moments
from tests.e2e.project import Project, Result
from tests.e2e.through_proxy import through_proxy
from tests.proxy import Proxy

ENDS_WITHIN_S = RECONNECT_S + 60
"""A command goes on trying to reach a host for so long; all else is quicker."""


def held_run(
    project: Project,
    host: LabHost,
    arguments: tuple[str, ...],
    moment: Moment,
    act: Callable[[subprocess.Popen, int], None],
) -> Result | None:
    """Give a command, do something when its run has come to a moment, and let it go on.

    Args:
        project: Where the command is given.
        host: The host.
        arguments: The command's.
        moment: When.
        act: Called with the command and its process on the host, before that is let go.

    Returns:
        How it ended; None if it never came to that moment.
    """
    moments = Moments(host)
    moments.arm(moment)
    process = project.start("-H", host.name, *arguments)
    try:
        run = moments.wait(process)
        if run is not None:
            act(process, run)
    finally:
        if host.is_on:
            moments.let_go()
        said = end(process, ENDS_WITHIN_S)
    return None if run is None else Result(process.returncode, said, "")


@dataclass(frozen=True)
class Outcome:
    """What became of a command that was struck.

    Args:
        began, ended: Of the fault, by time.monotonic(); a host that was taken is back by then.
        said: What the command printed.
        code: How it ended.
        wrong: What was not as it must be, in words.
    """

    began: float
    ended: float
    said: str
    code: int
    wrong: tuple[str, ...]


@dataclass(frozen=True)
class Strike:
    """One command, one moment, one fault.

    Args:
        project: Where the command is given.
        host: The host.
        arguments: The command's.
        background: Whether its runs outlive their caller.
        fault: What is done.
        moment: When.
        later_s: A run that is not held is struck up to so many seconds later.
        held_s: For how long a run is held after the network has gone silent.
    """

    project: Project
    host: LabHost
    arguments: tuple[str, ...]
    background: bool
    fault: Fault
    moment: Moment
    later_s: float
    held_s: float = 0.0

    def carry_out(self, chance: random.Random) -> Outcome | None:
        """Do it; return None if the command ended before it came to that moment."""
        through = (
            through_proxy(self.project, self.host) if self.fault.through_proxy else nullcontext()
        )
        with through as proxy:
            return self._carry_out(chance, proxy)

    def _carry_out(self, chance: random.Random, proxy: Proxy | None) -> Outcome | None:
        fault, host = self.fault, self.host
        booted = host.start_time
        wrong: list[str] = []
        began = ended = 0.0
        was_killed = False

        def strike(process: subprocess.Popen, run: int) -> None:
            nonlocal began, ended, was_killed
            if not self.moment.hold:
                time.sleep(chance.random() * self.later_s)
            began = time.monotonic()
            struck = Struck(host, process, run, self.background, proxy)
            fault.strike(struck)
            if fault.through_proxy:
                time.sleep(self.held_s)
            if host.is_on:
                Moments(host).let_go()
            if fault.end:
                fault.end(struck)
            if fault.takes_host:
                bring_back(host, booted)
            ended = time.monotonic()
            if not wait_until_free(host):
                wrong.append("the run on the host does not end")
            if fault.takes_controller:
                # It would go on trying to reach the host; the laptop is closed.
                process.kill()
            was_killed = fault.takes_controller

        told = held_run(self.project, host, self.arguments, self.moment, strike)
        if told is None:
            return None
        if told.code == -signal.SIGKILL and not was_killed:
            wrong.append("the command did not end")
        if "Traceback" in told.output:
            wrong.append("the command shows a traceback")
        return Outcome(began, ended, told.output, told.code, tuple(wrong))
