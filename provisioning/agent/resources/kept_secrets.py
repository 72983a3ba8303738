"""The generated secrets that a host keeps are those of the live release."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Dict

from provisioning.agent.apps import environment
from provisioning.agent.apps.releases import Releases
from provisioning.agent.machine.system import System
from provisioning.agent.resource import Change, Resource, State


@dataclass(frozen=True)
class KeptSecrets(Resource):
    """Have the generated secrets of the live release kept, instead of earlier values.

    A release with new ones may be refused, or reverted: only one that has stayed live says which
    are to be those of all releases to come. Its manifest names them, so that a run which was cut
    off is completed by the next.

    Args:
        app: The app's name.
        label: "after", where it stands in a plan more than once.
    """

    kind: ClassVar[str] = "kept-secrets"

    app: str
    label: str = ""

    @property
    def name(self) -> str:
        return f"{self.app} {self.label}".rstrip()

    def desired(self) -> State:
        return {"to keep": ""}

    def actual(self, system: System) -> State:
        return {"to keep": " ".join(sorted(self._new(system)))}

    def _new(self, system: System) -> Dict[str, str]:
        releases = Releases(self.app, system)
        live = releases.live
        rotated = releases.manifest(live).get("rotated", ()) if live else ()
        if not rotated:
            return {}
        values = environment.of_release(system, self.app, live)
        kept = environment.generated_secrets(system, self.app)
        return {
            name: values[name]
            for name in rotated
            if name in values and kept.get(name) != values[name]
        }

    def apply(self, system: System, change: Change) -> None:
        if not system.dry:
            environment.replace_generated(system, self.app, self._new(system))
