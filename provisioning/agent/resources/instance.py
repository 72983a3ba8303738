"""A release that runs, on a socket of its own, and answers."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import ClassVar, Dict, Iterator, Sequence, Tuple

from provisioning.agent import http
from provisioning.agent.environment import masked
from provisioning.agent.errors import AgentError, StoppedError
from provisioning.agent.journal import last_lines
from provisioning.agent.layout import AppLayout
from provisioning.agent.releases import Releases
from provisioning.agent.resource import Change, Resource, State
from provisioning.agent.system import System

POLL_S = 0.02
ANSWERS = 3
"""Good answers in a row that are asked for: more than one worker has to be up."""

ANSWER_TIMEOUT_S = 10.0
SHOWN_LINES, LAST_LINES = 30, 8


@dataclass(frozen=True)
class Instance(Resource):
    """Have a release running and healthy, seen by no visitor yet.

    systemd's "started" says little: gunicorn reports it before a worker has imported the
    app. So the gate is HTTP, with the headers that the web server would send.

    Args:
        app: The app's name.
        release: The release's id.
        health: Path that answers 200.
        host: Host header.
        timeout_s: How long it may take to become healthy.
    """

    kind: ClassVar[str] = "instance"

    app: str
    release: str
    health: str
    host: str
    timeout_s: int = 60

    @property
    def name(self) -> str:
        return f"{self.app}@{self.release}"

    @property
    def unit(self) -> str:
        """The unit it runs as."""
        return AppLayout(self.app).unit(self.release)

    def desired(self) -> State:
        return {"running": True, "health": 200}

    def actual(self, system: System) -> State:
        running = system.unit(self.unit).running
        return {"running": running, "health": self._ask().status if running else None}

    def _ask(self) -> http.Answer:
        headers = {
            "Host": self.host,
            "X-Forwarded-Proto": "https",
            "X-Forwarded-For": "127.0.0.1",
            "User-Agent": "homeport",
        }
        socket = AppLayout(self.app).socket(self.release)
        return http.get_unix(socket, self.health, headers, ANSWER_TIMEOUT_S)

    def apply(self, system: System, change: Change) -> None:
        if system.dry:
            return
        system.run(["systemctl", "reset-failed", self.unit])
        system.say(f"starting {self.unit}")
        system.act(["systemctl", "start", "--no-block", self.unit], why=f"start {self.unit}")
        try:
            self._wait(system)
        except (AgentError, StoppedError):
            self._end(system)
            Releases(self.app, system).record("failed", self.release, at_state="start")
            raise
        Releases(self.app, system).record("gated", self.release)

    def _end(self, system: System) -> None:
        """End it at once: no visitor was ever sent here, so there is nothing to finish."""
        system.run(["systemctl", "stop", "--no-block", self.unit])
        system.run(["systemctl", "kill", "--signal=KILL", self.unit])
        system.run(["systemctl", "stop", self.unit])
        system.run(["systemctl", "reset-failed", self.unit])
        system.remove(AppLayout(self.app).socket(self.release))
        system.forget_cached()

    def _wait(self, system: System) -> None:
        deadline = time.monotonic() + self.timeout_s
        good, asked = 0, 0
        answer = http.Answer(0, "it has not answered yet", {})
        while good < ANSWERS:
            system.checkpoint()
            # Asking systemd costs more than asking the socket, and is only for failures.
            if asked % 10 == 9:
                self._check_process(system)
            asked += 1
            answer = self._ask()
            if answer.status == 200:
                good += 1
                continue
            good = 0
            if time.monotonic() > deadline:
                raise self._refused(system, _said(answer, self.health))
            time.sleep(POLL_S if answer.status == 0 else 0.2)

    def _check_process(self, system: System) -> None:
        shown = system.run(
            ["systemctl", "show", "--property=ActiveState,NRestarts,Result", self.unit]
        )
        values: Dict[str, str] = dict(
            line.split("=", 1) for line in shown.stdout.splitlines() if "=" in line
        )
        if values.get("ActiveState") == "failed" or values.get("NRestarts", "0") != "0":
            raise self._refused(system, "its process ended at the start")

    def _refused(self, system: System, why: str) -> AgentError:
        journal = last_lines(system, self.unit, 300)
        return AgentError(
            masked(
                system,
                self.app,
                self.release,
                f"release {self.release} of {self.app} was refused: {why}",
            ),
            hint=f"correct it and deploy again; visitors have seen nothing of it. "
            f"All it printed: journalctl -u {self.unit}",
            output=masked(
                system,
                self.app,
                self.release,
                _telling(journal, AppLayout(self.app).code(self.release)),
            ),
            refused=True,
        )


def _telling(lines: Sequence[str], code: str) -> str:
    """Return the traceback that matters and the last lines, or just more of the last lines.

    A server with several workers says much after the one line that matters: the same from the
    other workers, and why it then ended itself.

    Args:
        lines: What it printed.
        code: Where the app's own code is.
    """
    found = list(_tracebacks(lines))
    of_app = [each for each in found if any(code in line for line in lines[each[0] : each[1]])]
    for start, end in of_app[-1:] or found[:1]:
        shown = lines[max(start, end - SHOWN_LINES) : end]
        return "\n".join([*shown, *lines[max(end, len(lines) - LAST_LINES) :]])
    return "\n".join(lines[-SHOWN_LINES:])


def _tracebacks(lines: Sequence[str]) -> Iterator[Tuple[int, int]]:
    """Yield where each traceback starts, and where it has ended."""
    for start, line in enumerate(lines):
        if line.startswith("Traceback"):
            for end in range(start + 1, len(lines)):
                # The exception: the first line that is not indented, and no other worker's.
                if lines[end] and not lines[end].startswith((" ", "[")):
                    yield start, end + 1
                    break


def _said(answer: http.Answer, path: str) -> str:
    if answer.status == 0:
        return f"{path} was not answered in time ({answer.body})"
    return f"{path} answered {answer.status} in place of 200: {answer.body[:200].strip()}"
