"""The agent's calls of systemctl: the only module that knows its options.

Most of it must succeed, or the resource fails. What may fail says so: a unit that is not there
cannot be stopped, and then nothing needs to be. In a check nothing of it is done.
"""

from __future__ import annotations

from typing import Dict, Mapping, Tuple

from provisioning.agent.machine import systemd
from provisioning.agent.machine.programs import Completed
from provisioning.agent.machine.system import System

TIMEOUT_S = 600.0
ATTEMPT_TIMEOUT_S = 120.0
"""Longer than systemd lets a unit start or stop by default. Source: systemd-system.conf(5)."""


def show(system: System, properties: str, *units: str) -> Dict[str, Mapping[str, str]]:
    """Return unit -> property -> value.

    Args:
        system: The machine.
        properties: Names with commas between; Id is asked for besides.
        units: Names, or patterns of units that are loaded.
    """
    shown = system.run(["systemctl", "show", f"--property=Id,{properties}", *units])
    return systemd.parse_properties(shown.stdout)


def value(system: System, name: str, unit: str) -> str:
    """Return one property of a unit."""
    shown = system.run(["systemctl", "show", "--value", f"--property={name}", unit])
    return shown.stdout.strip()


def failed_units(system: System) -> Tuple[str, ...]:
    """Return the names of units that have failed."""
    shown = system.run(
        ["systemctl", "list-units", "--state=failed", "--plain", "--no-legend", "--no-pager"]
    )
    return tuple(systemd.parse_list(shown.stdout))


def read_units_again(system: System) -> None:
    """Have systemd read its unit files."""
    _act(system, "daemon-reload", why="make systemd reload its unit files")


def start(system: System, *units: str) -> None:
    """Have units started, and do not wait for them."""
    _act(system, "start", "--no-block", *units, why=f"start {', '.join(units)}")


def try_to_start(system: System, *units: str) -> None:
    """Start units; what fails is seen by looking at them."""
    _attempt(system, "start", *units)


def stop(system: System, *units: str, timeout_s: float = TIMEOUT_S) -> None:
    """Stop units, each of which gets the time that it says itself."""
    _act(system, "stop", *units, why=f"stop {', '.join(units)}", timeout_s=timeout_s)


def try_to_stop(system: System, *units: str) -> None:
    """Stop units that may not be there."""
    _attempt(system, "stop", *units)


def stop_meanwhile(system: System, *units: str) -> None:
    """Have units stopped, and do not wait for them."""
    _attempt(system, "stop", "--no-block", *units)


def kill(system: System, *units: str) -> None:
    """Kill all processes of units."""
    _attempt(system, "kill", "--signal=KILL", *units)


def disable_and_stop(system: System, unit: str, *, why: str) -> None:
    """Stop a unit, now and at every boot."""
    _act(system, "disable", "--now", unit, why=why)


def forget_failures(system: System, *units: str) -> None:
    """Have systemd forget that units have failed: it would not start them again else."""
    _attempt(system, "reset-failed", *units)


def forget_timers(system: System, *timers: str) -> None:
    """Have systemd forget when timers last fired."""
    _attempt(system, "clean", "--what=state", *timers)


def imagine(system: System, unit: str, state: systemd.UnitState) -> None:
    """In a check, believe that a unit is in a state from now on."""
    system.act(["systemctl"], why=f"manage {unit}", units=[(unit, state)])


def attempt(
    system: System, verb: str, *words: str, timeout_s: float = ATTEMPT_TIMEOUT_S
) -> Completed:
    """Have systemd do something that may fail, and return how it ended.

    Args:
        system: The machine; not in a check.
        verb: Such as "restart".
        words: Options and units.
        timeout_s: In seconds.
    """
    done = system.run(["systemctl", verb, *words], timeout_s=timeout_s)
    system.forget_cached()
    return done


def _attempt(system: System, verb: str, *words: str) -> None:
    if not system.dry:
        attempt(system, verb, *words)


def _act(system: System, *words: str, why: str, timeout_s: float = TIMEOUT_S) -> None:
    system.act(["systemctl", *words], why=why, timeout_s=timeout_s)
