"""Hold a run on a host at an exact moment."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from provisioning.lab import LabHost
from tests.e2e.project import ROOT
from tests.e2e.steps import PATIENCE_S

HERE = "run/homeport-chaos"
"""As in on_host.py; in /run, so that a reboot takes it away."""


@dataclass(frozen=True, order=True)
class Moment:
    """A moment of a run; see on_host.py.

    Args:
        at: The resource's id, or "begin", "begun", "closing", "end", "over".
        call: 0, or before which of its calls that change something.
        hold: Whether the run stands still there until it is let go.
    """

    at: str
    call: int = 0
    hold: bool = True

    def __str__(self) -> str:
        return f"{self.at}+{self.call}" + ("" if self.hold else " (running)")


def make_agent(directory: Path) -> tuple[str, ...]:
    """Write the agent that can be held to a directory; return the command line of its `fab`."""
    agent = directory / "agent"
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "provisioning" / "agent", agent, ignore=ignore)
    shutil.copy(Path(__file__).with_name("on_host.py"), agent / "chaos.py")
    with (agent / "main.py").open("a") as file:
        file.write("\nfrom provisioning.agent import chaos as _chaos  # noqa\n")
    return (sys.executable, str(Path(__file__).with_name("fab.py")), str(agent))


def boundaries(counts: Mapping[str, int]) -> list[Moment]:
    """Return the moments right before each step that changes something, and at the very end.

    Before the others a host is as it is before the next one that does.

    Args:
        counts: Resource -> calls that change something, as an undisturbed run made them.
    """
    # Before its first call a run has not begun: there is nothing to hold.
    return [Moment(at, int(at == "begin")) for at, calls in counts.items() if calls]


def between(counts: Mapping[str, int], chance: random.Random) -> Iterator[Moment]:
    """Yield moments within steps for ever: each call that changes something is as likely."""
    moments = [(at, call) for at, calls in counts.items() for call in range(1, calls + 1)]
    while True:
        at, call = chance.choice(moments)
        yield Moment(at, call, hold=chance.random() < 0.5)


class Moments:
    """The moments of the runs on one host."""

    def __init__(self, host: LabHost) -> None:
        self._host = host

    def arm(self, moment: Moment) -> None:
        """Have the next run come to a stop there."""
        self._write("moment", json.dumps(moment.__dict__))

    def wait(self, process: subprocess.Popen) -> int | None:
        """Return the process on the host that has come to it; None if the command ended before."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            # In this order: a command may come to it and end, all between two looks.
            ended = process.poll() is not None
            reached = self._file("reached")
            if reached.exists():
                return int(reached.read_text())
            if ended:
                return None
            if time.monotonic() > deadline:
                process.kill()
                raise AssertionError(f"it never came to the moment: {process.communicate()}")
            time.sleep(0.005)

    def let_go(self) -> None:
        """Let the run go on, and have no other stop."""
        for name in ("moment", "reached"):
            self._file(name).unlink(missing_ok=True)

    def begin_counting(self) -> None:
        """Have the next run write down how many moments each of its resources has."""
        self._write("counts", "")

    def counted(self) -> dict[str, int]:
        """Return resource -> calls, in the order in which they came."""
        lines = self._file("counts").read_text().splitlines()
        self._file("counts").unlink()
        counts: dict[str, int] = {}
        for at, calls in map(json.loads, lines):
            counts[at] = max(calls, counts.get(at, 0))
        return counts

    def set_clock(self, ahead_s: float) -> None:
        """Have the clock of agents that start from now on be wrong."""
        self._write("clock", str(ahead_s))

    def put_clock_right(self) -> None:
        """Have the clock of agents be the host's again."""
        self._file("clock").unlink(missing_ok=True)

    def _write(self, name: str, text: str) -> None:
        file = self._file(name)
        file.parent.mkdir(exist_ok=True)
        new = file.with_suffix(".new")
        new.write_text(text)
        new.rename(file)

    def _file(self, name: str) -> Path:
        pid = self._host.pid
        assert pid is not None, f"{self._host.name} is off"
        return Path(f"/proc/{pid}/root/{HERE}/{name}")
