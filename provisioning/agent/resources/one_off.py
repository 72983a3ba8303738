"""A program of a release that runs once, as the app would."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from typing import ClassVar, List, Mapping, Optional, Sequence, Tuple

from provisioning.agent.answers import FAILED, HistoryEvent
from provisioning.agent.apps import migrations
from provisioning.agent.apps.environment import masked
from provisioning.agent.apps.failure_hints import hint_for
from provisioning.agent.apps.failure_output import why_it_failed
from provisioning.agent.apps.history import History
from provisioning.agent.apps.journal import last_lines_of
from provisioning.agent.apps.programs import find_program, release_surroundings
from provisioning.agent.errors import AgentError
from provisioning.agent.layout import STATE, AppLayout
from provisioning.agent.machine import systemctl
from provisioning.agent.machine.programs import Completed
from provisioning.agent.machine.system import System
from provisioning.agent.machine.systemd import unexpanded
from provisioning.agent.resource import Change, Resource, State, normalise

STOP_S = 10
"""Seconds between SIGTERM and SIGKILL."""

MIGRATIONS, ASK_S = "migrations", 120
"""What the question for migrations is called, and how many seconds its answer may take."""

PRINTED = ".printed"

NOTED_LINES = 10
"""Lines of the output of a program that may fail."""


@dataclass(frozen=True)
class OneOff(Resource):
    """Have a program of a release run to success, once.

    It runs as the app's user with the app's environment, limits and sandbox, in a transient
    unit; nothing of what it has started outlives it. It prints to a file of root's, so that it
    comes to its end though the run be killed, and that nobody else reads what it prints. A
    release in which it fails never goes live.

    Args:
        app: The app's name.
        release: The release's id.
        label: What it is: "import", "migrate".
        argv: Program and arguments; a program of the release's virtualenv needs no path.
        properties: The sandbox, as "Key=Value" of systemd.exec(5).
        hint: What to do when it fails.
        timeout_s: In seconds.
        env: Variables besides those of the app.
        occasion: The run of a command that it belongs to; in another one it runs again.
        required: Whether its failure is one of the run. If not, a person is told of it.
        asks: Program and arguments that print which migrations the database has; it is asked
            before and after, and the history tells the difference. () for none.
        asks_pattern: See apps/migrations.py.
    """

    kind: ClassVar[str] = "one-off"

    app: str
    release: str
    label: str
    argv: Tuple[str, ...]
    properties: Tuple[str, ...] = ()
    hint: str = ""
    timeout_s: int = 600
    env: Mapping[str, str] = field(default_factory=dict)
    occasion: str = ""
    required: bool = True
    asks: Tuple[str, ...] = ()
    asks_pattern: str = ""

    def __post_init__(self) -> None:
        normalise(
            self, argv=tuple(self.argv), properties=tuple(self.properties), asks=tuple(self.asks)
        )

    @property
    def name(self) -> str:
        return f"{self.app}/{self.release} {self.label}"

    def desired(self) -> State:
        return {"done": "yes"}

    def actual(self, system: System) -> State:
        return {"done": "yes" if system.memory.recall(self._key) == self._done else None}

    @property
    def _key(self) -> str:
        # A record that a later run replaces need not go with the release.
        return f"{self.kind}:{self.app} {self.label}" if self.occasion else self.id

    @property
    def _done(self) -> str:
        return self.occasion or "yes"

    def apply(self, system: System, change: Change) -> None:
        if system.dry:
            return
        if self.asks:
            migrations.remember_before(system, self._key, self._ask(system))
        began = time.monotonic()
        done, said = self._run_to_its_end(system, self.label, self.argv, self.timeout_s)
        if done.status != 0:
            words = why_it_failed(system, self.app, self.release, said)
            # Source: systemd.service(5), RuntimeMaxSec=: the exit status does not tell.
            late = time.monotonic() - began >= self.timeout_s
            self._failed(
                system,
                f"did not end within {self.timeout_s} s"
                if late
                else f"ended with exit status {done.status}",
                # Of systemd-run itself, if it could not even be started.
                "\n".join(filter(None, (masked(system, self.app, done.tail), words))),
            )
        if self.asks:
            names = self._ask(system)
            migrations.record_after(system, self.app, self.release, self._key, names)
        system.memory.remember(self._key, self._done)

    def _ask(self, system: System) -> Optional[List[str]]:
        """Return which migrations the database has; None where the app does not say."""
        done, said = self._run_to_its_end(system, MIGRATIONS, self.asks, ASK_S)
        return migrations.names_in(said, self.asks_pattern) if done.status == 0 else None

    def _run_to_its_end(
        self, system: System, label: str, argv: Sequence[str], timeout_s: int
    ) -> Tuple[Completed, List[str]]:
        """Run a program; return how it ended, and the last lines that it has printed."""
        printed = printed_to(self.app, label)
        system.remove(printed)
        done = self._run(system, label, argv, timeout_s, printed)
        said = last_lines_of(printed)
        system.remove(printed)
        return done, said

    def _run(
        self, system: System, label: str, words: Sequence[str], timeout_s: int, printed: str
    ) -> Completed:
        layout = AppLayout(self.app)
        release = layout.release(self.release)
        there = release_surroundings(system, self.app, self.release)
        variables = {**there.environment, **self.env}
        # By this name a run that is killed leaves it behind: see resources/leftover_programs.py.
        unit = f"{self.app}-{label}-{self.release}"
        options = [
            f"--unit={unit}",
            # Otherwise the whole command, of several lines perhaps, in every list of units.
            f"--description={self.app}, {label}, release {self.release}",
            f"--property=WorkingDirectory={there.directory}",
            *(f"--property=EnvironmentFile={each}" for each in there.environment_files),
            f"--property=EnvironmentFile={release}/env",
            f"--property=RuntimeMaxSec={timeout_s}",
            f"--property=TimeoutStopSec={STOP_S}",
            f"--property=StandardOutput=append:{printed}",
            # One stream for both, so that their order is kept. Source: systemd.exec(5).
            "--property=StandardError=inherit",
            *(f"--setenv={name}={value}" for name, value in variables.items()),
            *(f"--property={each}" for each in (*self.properties, *there.properties)),
        ]
        argv = [unexpanded(word) for word in words]
        # systemd-run itself would look along the PATH of root, or below its own directory.
        argv[0] = find_program(system, self.app, self.release, argv[0]) or argv[0]
        systemctl.forget_failures(system, f"{unit}.service")
        return system.run(
            ["systemd-run", "--quiet", "--wait", "--collect", *options, "--", *argv],
            timeout_s=timeout_s + STOP_S + 30,
        )

    def _failed(self, system: System, how: str, output: str) -> None:
        if not self.required:
            system.notes.append(f"warning: {self.label} {how}")
            system.notes += [f"| {line}" for line in output.splitlines()[-NOTED_LINES:]]
            return
        History(self.app, system).record(HistoryEvent(FAILED, self.release, at_state=self.label))
        raise AgentError(
            f"release {self.release} of {self.app} was refused: {self.label} {how}",
            hint="; ".join(filter(None, (hint_for(output, self.app), self.hint))),
            output=output,
            refused=True,
        )


def printed_to(app: str, label: str) -> str:
    """Return the file that such a program of an app prints to; it goes when that has ended."""
    return os.path.join(STATE, f"{app}-{label}{PRINTED}")
