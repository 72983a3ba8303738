"""What can befall one host of a fleet while a deploy is at work on it, and how it is mended."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from provisioning.lab import Lab, LabHost, network
from tests.e2e.steps import agents, wait_for

Act = Callable[[Lab, LabHost], None]

RUNS = "homeport-run-*.scope"
FILLER = "/var/filler"

BROKEN = "/run/systemd/system/hello@.service.d/chaos.conf"
"""Units do not start with it, and those that run stay as they are."""


@dataclass(frozen=True)
class Fault:
    """A fault of one host.

    Args:
        name: In words.
        strike: Does it.
        mend: Undoes it; the host may have more than one thing to get over.
        of_controller: Whether it befalls the command itself, and all hosts are on their own.
    """

    name: str
    strike: Act
    mend: Act
    of_controller: bool = False


def _kill_run(lab: Lab, host: LabHost) -> None:
    host.run("systemctl", "kill", "--signal=KILL", RUNS, check=False)


def _kill_agent(lab: Lab, host: LabHost) -> None:
    """Kill the agents that are connected; the run in the background stays."""
    for process in agents(host):
        script = f"grep -q {RUNS[:-8]} /proc/{process}/cgroup || kill -KILL {process}"
        host.shell(script, check=False)


def _cut_power(lab: Lab, host: LabHost) -> None:
    host.power_cut()


def _blink(lab: Lab, host: LabHost) -> None:
    host.power_cut()
    host.boot(wait=False)


def _swallow_packets(lab: Lab, host: LabHost) -> None:
    rules = """
        table inet chaos {
            chain in { type filter hook input priority 0; policy drop; iif lo accept; }
            chain out { type filter hook output priority 0; policy drop; oif lo accept; }
        }
    """
    filter_packets(lab, host, rules)


def _pass_packets(lab: Lab, host: LabHost) -> None:
    filter_packets(lab, host, "delete table inet chaos")


def filter_packets(lab: Lab, host: LabHost, rules: str) -> None:
    """Have a host's network do as rules of nft(8) say; the host may be off."""
    namespace = network.namespace(lab.state().lab_id, host.name)
    argv = ["ip", "netns", "exec", namespace, "nft", "-f", "-"]
    subprocess.run(argv, input=rules, text=True, check=True, capture_output=True)


def _break_unit(lab: Lab, host: LabHost) -> None:
    host.shell(
        f"mkdir -p {BROKEN.rpartition('/')[0]}; "
        f"printf '[Service]\\nExecStartPre=/bin/false\\n' > {BROKEN}; systemctl daemon-reload"
    )


def _mend_unit(lab: Lab, host: LabHost) -> None:
    host.shell(f"rm -f {BROKEN}; systemctl daemon-reload")


def _fill_disk(lab: Lab, host: LabHost) -> None:
    host.shell(f"cat /dev/zero > {FILLER} 2>/dev/null || true")


def _empty_disk(lab: Lab, host: LabHost) -> None:
    host.shell(f"rm -f {FILLER}")


def _stop_nginx(lab: Lab, host: LabHost) -> None:
    host.run("systemctl", "stop", "nginx")


def _start_nginx(lab: Lab, host: LabHost) -> None:
    host.run("systemctl", "start", "nginx")


def _boot(lab: Lab, host: LabHost) -> None:
    host.boot()


def _nothing(lab: Lab, host: LabHost) -> None:
    pass


AT_ONCE: Sequence[Fault] = (
    Fault("kill -9 of the run", _kill_run, _nothing),
    Fault("kill -9 of the connected agent", _kill_agent, _nothing),
    Fault("gunicorn cannot start", _break_unit, _mend_unit),
    Fault("nginx stopped", _stop_nginx, _start_nginx),
)
"""The command ends soon after each of them."""

ALL: Sequence[Fault] = (
    *AT_ONCE,
    # Only for hosts whose disk is small.
    Fault("disk full", _fill_disk, _empty_disk),
    Fault("power cut, and booted at once", _blink, _boot),
    Fault("power cut", _cut_power, _boot),
    Fault("network black-holed", _swallow_packets, _pass_packets),
)
"""The command may wait for a host that is gone, some minutes at most."""

CONTROLLER_KILLED = Fault("kill -9 of the controller", _nothing, _nothing, of_controller=True)
"""Hosts wait for it for a minute; then they do what was to be done in that case."""


def settle(hosts: Sequence[LabHost]) -> None:
    """Return when no run is at work on any host."""
    for host in hosts:
        wait_for(lambda host=host: not agents(host))
