"""A running unit that has loaded its inputs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Callable, ClassVar, Dict, Iterable, Tuple

from provisioning.agent.apps.journal import last_lines
from provisioning.agent.claims import UNIT, Claim
from provisioning.agent.errors import AgentError
from provisioning.agent.machine import systemctl
from provisioning.agent.machine.handover import FREE_S, STILL_LISTENS, hand_over
from provisioning.agent.machine.programs import Completed
from provisioning.agent.machine.reload import wait_until_replaced, workers_of
from provisioning.agent.machine.system import System
from provisioning.agent.machine.systemd import UnitState
from provisioning.agent.resource import (
    Change,
    Ref,
    Resource,
    State,
    Value,
    normalise,
    reference_ids,
)

NEVER = "never"
"""Nothing is remembered: Homeport has not acted upon these inputs, or could not complete it."""

UNCHANGEABLE = ("static", "indirect", "generated", "alias", "transient")
"""States of unit files that cannot be enabled. Source: systemctl(1), is-enabled."""


@dataclass(frozen=True)
class Service(Resource):
    """Have a unit enabled, running, and acting upon the newest of its inputs.

    What it last loaded is remembered on the host as a digest. So a restart that a run could
    not get to is done by the next, and one that is not needed is not done.

    Args:
        unit: e.g. "cron.service"; without a suffix it is a service.
        running: Whether it should run.
        enabled: Whether it should start at boot; ignored for units that cannot be enabled.
        reload_on: Earlier resources after whose change it reloads (restarts if it cannot).
        restart_on: Earlier resources after whose change it restarts.
        workers: What processes call themselves that a reload replaces, where it is
            over only when they have been; "" for units whose reload is over when it returns.
        yields: Leave the unit as it is where it is not there, or somebody has masked, disabled or
            stopped it before Homeport came: what a host is better with, and its owner decides.
        instead_of: Units that stop right before it starts, because it takes their ports. If it
            does not start, they do again.
        ports: The TCP ports that it takes from them.
        label: Another name, where one unit stands in a plan more than once.
        loaded, started: Digests of the inputs; filled in while planning.
    """

    kind: ClassVar[str] = "service"

    unit: str
    running: bool = True
    enabled: bool = True
    reload_on: Tuple[Ref, ...] = ()
    restart_on: Tuple[Ref, ...] = ()
    workers: str = ""
    yields: bool = False
    instead_of: Tuple[str, ...] = ()
    ports: Tuple[int, ...] = ()
    label: str = ""
    loaded: str = ""
    started: str = ""

    def __post_init__(self) -> None:
        normalise(
            self,
            unit=self.unit if "." in self.unit else self.unit + ".service",
            reload_on=reference_ids(self.reload_on),
            restart_on=reference_ids(self.restart_on),
            instead_of=tuple(self.instead_of),
            ports=tuple(self.ports),
        )

    @property
    def name(self) -> str:
        return self.label or self.unit.removesuffix(".service")

    @property
    def _restarts(self) -> str:
        return f"{self.id} restart"

    @property
    def _reloads(self) -> str:
        return f"{self.id} reload"

    @property
    def inputs(self) -> Iterable[Tuple[str, str]]:
        yield from ((each, self._reloads) for each in reference_ids(self.reload_on))
        yield from ((each, self._restarts) for each in reference_ids(self.restart_on))

    def bound(self, digest: Callable[[Tuple[str, ...]], str]) -> Resource:
        return replace(
            self,
            loaded=digest(reference_ids(self.reload_on)),
            started=digest(reference_ids(self.restart_on)),
        )

    def claims(self) -> Iterable[Claim]:
        # To have it reload or restart changes nothing of whose unit it is.
        return (self._claim,)

    @property
    def _claim(self) -> Claim:
        # Nor has anybody decided anything where a unit that is to run does not.
        keys = ("masked", "enabled") if self.running else ("running", "masked", "enabled")
        return Claim(UNIT, self.unit, keys=keys)

    def desired(self) -> State:
        state: Dict[str, Value] = {
            "running": self.running,
            "masked": False,
            "enabled": self.enabled,
        }
        if self.running:
            # Said only where it means something: nothing is reloaded that depends on nothing.
            state.update({"loaded": self.loaded} if self.reload_on else {})
            state.update({"started": self.started} if self.restart_on else {})
        return state

    def _is_left(self, system: System) -> bool:
        """Return whether somebody has set the unit otherwise, and may have."""
        if not self.yields or system.owned.has(self._claim.id):
            return False
        unit = system.unit(self.unit)
        is_so = unit.load != "not-found" and unit.running == self.running and not unit.masked
        return not (is_so and unit.enabled in ("enabled", *UNCHANGEABLE))

    def actual(self, system: System) -> State:
        unit = system.unit(self.unit)
        if self._is_left(system):
            return self.desired()
        can_enable = unit.enabled not in UNCHANGEABLE
        return {
            "running": unit.running,
            "masked": unit.masked,
            # Not "enabled-runtime": that ends with the next boot.
            "enabled": unit.enabled == "enabled" if can_enable else self.enabled,
            "loaded": system.memory.recall(self._reloads) or NEVER,
            "started": system.memory.recall(self._restarts) or NEVER,
        }

    def apply(self, system: System, change: Change) -> None:
        if system.dry:
            self._imagine(system)
        else:
            self._act(system, change)
        if self.running:
            # A unit that ran before Homeport knew it, with nothing to act upon, is only taken over.
            system.memory.remember(self._restarts, self.started)
            system.memory.remember(self._reloads, self.loaded)

    def _imagine(self, system: System) -> None:
        enabled = "enabled" if self.enabled else "disabled"
        state = UnitState("loaded", "active" if self.running else "inactive", enabled)
        systemctl.imagine(system, self.unit, state)

    def _act(self, system: System, change: Change) -> None:
        if "masked" in change:
            self._systemctl(system, "unmask")
            # Until the next boot is a mask of its own, elsewhere.
            self._systemctl(system, "unmask", "--runtime")
        self._run(system, change)
        # Last: it takes its time, and visitors may wait for the start.
        if "enabled" in change:
            self._systemctl(system, "enable" if self.enabled else "disable")

    def _run(self, system: System, change: Change) -> None:
        if not self.running:
            if "running" in change:
                self._systemctl(system, "stop")
            return
        if "running" in change:
            # A unit that has failed too often refuses to start until that is forgotten.
            systemctl.forget_failures(system, self.unit)
            if self.instead_of:
                self._take_over(system)
            else:
                self._systemctl(system, "restart")
        elif "started" in change and self.restart_on:
            self._systemctl(system, "restart")
        elif "loaded" in change and self.reload_on:
            self._reload(system)

    def _reload(self, system: System) -> None:
        before = workers_of(system, self.unit, self.workers) if self.workers else []
        self._systemctl(system, "reload-or-restart")
        wait_until_replaced(system, self.unit, self.workers, before)

    def _take_over(self, system: System) -> None:
        done = hand_over(system, self.instead_of, self.unit, self.ports)
        if done.status == STILL_LISTENS:
            raise AgentError(
                f"{' and '.join(self.instead_of)} still listen {FREE_S} s after the order to stop",
                hint=f"on the host: systemctl status {self.instead_of[0]}; then run again",
            )
        self._must_have(system, "start", done)

    def _systemctl(self, system: System, verb: str, *options: str) -> None:
        self._must_have(system, verb, systemctl.attempt(system, verb, *options, self.unit))

    def _must_have(self, system: System, verb: str, done: Completed) -> None:
        if done.status != 0:
            raise AgentError(
                f"cannot {verb} {self.unit}: {_reason(done.tail)}",
                hint=f"on the host: systemctl status {self.unit}",
                output="\n".join(last_lines(system, self.unit, 15)),
            )


def _reason(output: str) -> str:
    """Return the line that says why systemctl failed: `enable` talks of SysV scripts first."""
    lines = output.splitlines() or [""]
    return next((line for line in lines if line.startswith(("Failed", "Job for"))), lines[0])
