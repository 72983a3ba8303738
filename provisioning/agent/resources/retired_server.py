"""A web server of Homeport's that another one has replaced."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Iterable, Sequence, Tuple

from provisioning.agent.claims import PATH, Claim, Obstacle, thing_id
from provisioning.agent.errors import AgentError
from provisioning.agent.layout import UNIT_FILES, AppLayout
from provisioning.agent.machine import systemctl
from provisioning.agent.machine.system import System
from provisioning.agent.machine.systemd import UnitState
from provisioning.agent.resource import Change, Resource, State, normalise


@dataclass(frozen=True)
class RetiredServer(Resource):
    """Have a web server's unit stopped, also at boot, and forget that Homeport has managed it.

    Another one serves its apps by now: see `Service.instead_of`.

    Args:
        unit: The unit.
        apps: Those whose sites the other server has.
        drop_ins: Homeport's files of the unit, as in `Unit`: they are removed.
    """

    kind: ClassVar[str] = "retired-server"

    unit: str
    apps: Tuple[str, ...]
    drop_ins: Tuple[str, ...] = ()

    def __post_init__(self) -> None:
        normalise(self, apps=tuple(self.apps), drop_ins=tuple(self.drop_ins))

    @property
    def name(self) -> str:
        return self.unit

    @property
    def _paths(self) -> Tuple[str, ...]:
        return tuple(f"{UNIT_FILES}/{each}" for each in self.drop_ins)

    def claims(self) -> Iterable[Claim]:
        return [Claim(PATH, path, removes=True) for path in self._paths]

    def obstacles(self, system: System, run: Sequence[Resource]) -> Iterable[Obstacle]:
        """Yield the apps that would be without a web server, or without their maintenance page."""
        for app, entry in system.owned.apps.items():
            mark = AppLayout(app).maintenance
            if app not in self.apps:
                yield Obstacle(
                    thing_id("app", app),
                    f"an app of {entry.owner}, which {self.unit} serves",
                    "without a web server: all apps of a host have the same",
                    f"remove it from the host (fab remove {app}), or leave web_server as it is; "
                    "apps of two projects on one host cannot change to another web server",
                    can_be_adopted=False,
                )
            elif system.stat(mark) is not None:
                yield Obstacle(
                    thing_id(PATH, mark),
                    f"maintenance, which only {self.unit} understands",
                    "without effect: visitors would get the app",
                    f"end it (fab maintenance {app} off), then run again",
                    can_be_adopted=False,
                )

    def desired(self) -> State:
        return {"starts at boot": False, "running": False, "is managed": False}

    def actual(self, system: System) -> State:
        unit = system.unit(self.unit)
        return {
            "starts at boot": unit.enabled == "enabled",
            "running": unit.running,
            "is managed": self._is_managed(system),
        }

    def _is_managed(self, system: System) -> bool:
        return system.memory.knows(self._memory) or any(map(system.stat, self._paths))

    @property
    def _memory(self) -> str:
        return f"service:{self.unit.removesuffix('.service')}"

    def apply(self, system: System, change: Change) -> None:
        if system.dry:
            systemctl.imagine(system, self.unit, UnitState("loaded", "inactive", "disabled"))
        else:
            # Also where it is about to stop: then this waits for its last requests.
            for verb in ("disable", "stop"):
                self._must(system, verb)
        for path in self._paths:
            system.remove(path)
        systemctl.read_units_again(system)
        system.memory.forget_all([each for each in system.memory.known() if self._concerns(each)])
        # The unit stays in the record: it is still Homeport's to start again.
        system.owned.forget([thing_id(PATH, path) for path in self._paths])

    def _concerns(self, key: str) -> bool:
        """Return whether something remembered is of the unit: what it loaded, or a drop-in."""
        subject = key.partition(" ")[0]
        own = (self._memory, *(f"unit:{each}" for each in self.drop_ins))
        return subject in own or subject.startswith(f"{self._memory}-")

    def _must(self, system: System, verb: str) -> None:
        done = systemctl.attempt(system, verb, self.unit)
        if done.status != 0:
            raise AgentError(
                f"cannot {verb} {self.unit}: {(done.tail.splitlines() or [''])[0]}",
                hint=f"on the host: systemctl status {self.unit}",
            )
