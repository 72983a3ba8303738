"""A program of a release that runs once, as the app would."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Tuple

from provisioning.agent.environment import masked
from provisioning.agent.errors import AgentError
from provisioning.agent.layout import AppLayout
from provisioning.agent.releases import Releases
from provisioning.agent.resource import Change, Resource, State, normalise
from provisioning.agent.system import System


@dataclass(frozen=True)
class OneOff(Resource):
    """Have a program of a release run to success, once.

    It runs as the app's user with the app's environment, limits and sandbox, in a transient
    unit. A release in which it fails never goes live.

    Args:
        app: The app's name.
        release: The release's id.
        label: What it is: "import", "migrate".
        argv: Program and arguments; a program of the release's virtualenv needs no path.
        properties: The sandbox, as "Key=Value" of systemd.exec(5).
        hint: What to do when it fails.
        timeout_s: In seconds.
    """

    kind: ClassVar[str] = "oneoff"

    app: str
    release: str
    label: str
    argv: Tuple[str, ...]
    properties: Tuple[str, ...] = ()
    hint: str = ""
    timeout_s: int = 600

    def __post_init__(self) -> None:
        normalise(self, argv=tuple(self.argv), properties=tuple(self.properties))

    @property
    def name(self) -> str:
        return f"{self.app}/{self.release} {self.label}"

    def desired(self) -> State:
        return {"done": "yes"}

    def actual(self, system: System) -> State:
        return {"done": system.memory.recall(self.id) or None}

    def apply(self, system: System, change: Change) -> None:
        if system.dry:
            return
        layout = AppLayout(self.app)
        release = layout.release(self.release)
        unit = f"{self.app}-{self.label}-{self.release}"
        path = f"{release}/venv/bin:/usr/local/bin:/usr/bin:/bin"
        options = [
            f"--unit={unit}",
            f"--property=WorkingDirectory={release}/code",
            f"--property=EnvironmentFile={release}/env",
            f"--property=RuntimeMaxSec={self.timeout_s}",
            f"--setenv=PATH={path}",
            "--setenv=PYTHONDONTWRITEBYTECODE=1",
            *(f"--property={each}" for each in self.properties),
        ]
        argv = list(self.argv)
        installed = f"{release}/venv/bin/{argv[0]}"
        if "/" not in argv[0] and system.stat(installed):
            argv[0] = installed
        system.run(["systemctl", "reset-failed", f"{unit}.service"])
        done = system.run(
            ["systemd-run", "--quiet", "--wait", "--pipe", "--collect", *options, "--", *argv],
            timeout_s=self.timeout_s + 30,
        )
        if done.status != 0:
            Releases(self.app, system).record("failed", self.release, at_state=self.label)
            raise AgentError(
                f"release {self.release} of {self.app} was refused: "
                f"{self.label} ended with exit status {done.status}",
                hint=self.hint,
                output=masked(system, self.app, done.tail),
                refused=True,
            )
        system.memory.remember(self.id, "yes")
