"""Programs that an interrupted run started come to their end."""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass
from typing import ClassVar, List

from provisioning.agent.apps.one_off_units import LABELS, all_one_offs, label_of, one_offs
from provisioning.agent.errors import AgentError
from provisioning.agent.layout import STATE
from provisioning.agent.machine import systemctl
from provisioning.agent.machine.system import System
from provisioning.agent.resource import Change, Resource, State
from provisioning.agent.resources.one_off import PRINTED

POLL_S = 0.2


@dataclass(frozen=True)
class NoLeftoverPrograms(Resource):
    """Have no program running that an earlier run started for a release and no longer follows.

    Imports, migrations and hooks run in units of their own, which outlive a run that is killed.
    Whoever has the host's lock knows that they have nobody left. An import changes nothing, nor
    does the question which migrations there are: they are stopped. A migration or a hook must
    neither be torn nor have a second one beside it, so it is waited for; systemd ends it when its
    time is over.

    Args:
        app: The app's name.
        label: "before", where it stands in the plan of a deploy.
        patience_s: How long they are waited for: longer than any of them may take.
    """

    kind: ClassVar[str] = "leftover-programs"

    app: str
    label: str = ""
    patience_s: int = 3600 + 60

    @property
    def name(self) -> str:
        return f"{self.app} {self.label}".rstrip()

    def desired(self) -> State:
        return {"at work": "", "failed": "", "printed": ""}

    def actual(self, system: System) -> State:
        at_work = one_offs(self.app, system)
        failed = [unit for unit in all_one_offs(self.app, system) if unit not in at_work]
        printed = " ".join(self._printed(system))
        return {"at work": " ".join(at_work), "failed": " ".join(failed), "printed": printed}

    def _printed(self, system: System) -> List[str]:
        names = [name for name in system.list(STATE) if name.endswith(PRINTED)]
        ours = [
            name
            for name in names
            if re.fullmatch(rf"{re.escape(self.app)}-({LABELS})", name[: -len(PRINTED)])
        ]
        return [os.path.join(STATE, name) for name in ours]

    def apply(self, system: System, change: Change) -> None:
        if system.dry:
            return
        for unit in one_offs(self.app, system):
            if label_of(self.app, unit) in ("import", "migrations"):
                systemctl.stop(system, unit)
        system.forget_cached()
        for unit in one_offs(self.app, system):
            self._wait_for(unit, system)
        failed = all_one_offs(self.app, system)
        if failed:
            systemctl.forget_failures(system, *failed)
        for path in self._printed(system):
            system.remove(path)

    def _wait_for(self, unit: str, system: System) -> None:
        what = "migration" if label_of(self.app, unit) == "migrate" else "hook"
        system.say(f"a {what} of an earlier run is still running: waiting for {unit}")
        deadline = time.monotonic() + self.patience_s
        while unit in one_offs(self.app, system):
            system.checkpoint()
            if time.monotonic() > deadline:
                raise AgentError(
                    f"a {what} of an earlier run does not end: {unit}",
                    hint=f"check it on the host with `systemctl status {unit}`; stop it if that "
                    "is safe, then run again",
                )
            time.sleep(POLL_S)
            system.forget_cached()
