"""What is done to a host, or to a command, in the middle of a run."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass

from provisioning.agent.facts import WEB_UNITS
from provisioning.agent.runs.inbox import LEASE_S
from provisioning.errors import HomeportError
from provisioning.lab import LabHost
from tests.e2e.steps import agents, live_on
from tests.proxy import Proxy


@dataclass(frozen=True)
class Struck:
    """What a fault may strike at.

    Args:
        host: The host.
        process: The command.
        run: The process on the host that carries the run out.
        background: Whether that one outlives its caller.
        proxy: Between the two; None for faults that have nothing to do with it.
    """

    host: LabHost
    process: subprocess.Popen
    run: int
    background: bool
    proxy: Proxy | None = None


@dataclass(frozen=True)
class Fault:
    """A way to break things.

    Args:
        name: As in the table.
        strike: Does it. The run is held meanwhile, if it is held at all.
        end: What undoes it, once the run goes on; None for what stays, or ends by itself.
        takes_host: Whether the host is gone, and has to be booted or waited for.
        takes_connections: Whether requests that are in flight are lost, by its nature.
        through_proxy: Whether the command's connection leads through one.
        takes_controller: Whether the command is gone, or nobody waits for it any more.
        background_only: Whether there is such a thing only in runs that outlive their caller.
    """

    name: str
    strike: Callable[[Struck], None]
    end: Callable[[Struck], None] | None = None
    takes_host: bool = False
    takes_connections: bool = False
    through_proxy: bool = False
    takes_controller: bool = False
    background_only: bool = False

    def __str__(self) -> str:
        return self.name


def _kill_controller(struck: Struck) -> None:
    struck.process.kill()
    struck.process.wait()


def _kill_agent(struck: Struck) -> None:
    """Kill the process that talks to the controller."""
    talking = [pid for pid in agents(struck.host) if pid != struck.run or not struck.background]
    _kill(struck.host, *talking)


def _kill_run(struck: Struck) -> None:
    _kill(struck.host, struck.run)


def _kill_master(struck: Struck) -> None:
    if master := _master(struck.host):
        _kill(struck.host, master)


def _kill_child(struck: Struck) -> None:
    """Kill a process of the app server that is not its main one; that, where it is alone."""
    if master := _master(struck.host):
        shown = struck.host.run("pgrep", "--parent", str(master), check=False).stdout
        _kill(struck.host, *[*map(int, shown.split()), master][:1])


def _master(host: LabHost) -> int:
    """Return the main process of the live release's app server; 0 if it has none right now."""
    unit = f"hello@{live_on(host)}.service"
    return int(host.shell(f"systemctl show --value --property=MainPID {unit}"))


def _kill_worker(struck: Struck) -> None:
    # "shutting down" is what one says of itself that a reload has replaced.
    shown = struck.host.run("pgrep", "-f", "nginx: worker process$", check=False).stdout
    _kill(struck.host, *(int(pid) for pid in shown.split()[:1]))


def _kill_web_server(struck: Struck) -> None:
    """Kill the main process of each web server that runs."""
    shown = struck.host.shell(f"systemctl show --value --property=MainPID {' '.join(WEB_UNITS)}")
    _kill(struck.host, *(int(pid) for pid in shown.split() if pid != "0"))


def _go_silent(struck: Struck) -> None:
    assert struck.proxy is not None
    struck.proxy.swallow()


def _cut(struck: Struck) -> None:
    assert struck.proxy is not None
    struck.proxy.cut()


def _stop_controller(struck: Struck) -> None:
    struck.process.send_signal(signal.SIGSTOP)


def _wake_controller(struck: Struck) -> None:
    """Let the command go on, so late that the host has given up on it."""
    time.sleep(LEASE_S * 1.5)
    struck.process.send_signal(signal.SIGCONT)


def _reboot(struck: Struck) -> None:
    struck.host.run("systemctl", "--no-block", "reboot")


def _cut_power(struck: Struck) -> None:
    struck.host.power_cut()


def _kill(host: LabHost, *pids: int) -> None:
    if pids:
        host.run("kill", "-KILL", *map(str, pids), check=False)


CONTROLLER = Fault("controller killed", _kill_controller, takes_controller=True)
AGENT = Fault("agent killed", _kill_agent)
RUN = Fault("run killed", _kill_run, background_only=True)
MASTER = Fault("gunicorn's master killed", _kill_master)
WORKER = Fault("nginx's worker killed", _kill_worker, takes_connections=True)
SILENCE = Fault("network silent", _go_silent, through_proxy=True, takes_controller=True)
CUT = Fault("connection cut", _cut, through_proxy=True)
ASLEEP = Fault("controller asleep", _stop_controller, _wake_controller)
REBOOT = Fault("reboot", _reboot, takes_host=True)
POWER_CUT = Fault("power cut", _cut_power, takes_host=True)

# What such a process was answering is lost, whatever the server.
SERVER = Fault("app server's main process killed", _kill_master, takes_connections=True)
CHILD = Fault("app server's worker killed", _kill_child, takes_connections=True)
WEB_SERVER = Fault("web server's main process killed", _kill_web_server, takes_connections=True)

FAULTS = (
    CONTROLLER, ASLEEP, AGENT, RUN, MASTER, WORKER, SILENCE, CUT, REBOOT, POWER_CUT,
)  # fmt: skip


def bring_back(host: LabHost, booted: float) -> None:
    """Return when a host that was taken is there again.

    Args:
        host: The host.
        booted: Its `start_time` before.
    """
    if host.is_on:
        with contextlib.suppress(HomeportError):
            host.wait_rebooted(booted)
    host.boot()


def wait_until_free(host: LabHost, timeout_s: float = 150) -> bool:
    """Return whether no run is at work on a host any more, as soon as that is so."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        # The lock is not there before the first run, nor right after a boot.
        script = "test ! -e /run/homeport/lock || flock --nonblock /run/homeport/lock true"
        if host.run("sh", "-c", script, check=False).returncode == 0:
            return True
        time.sleep(0.05)
    return False


def end(process: subprocess.Popen, timeout_s: float = 60) -> str:
    """Return what a command said, when it has ended; it is killed if it does not."""
    try:
        stdout, stderr = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        os.kill(process.pid, signal.SIGKILL)
        stdout, stderr = process.communicate()
    return str(stdout + stderr)
