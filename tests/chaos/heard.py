"""Hear a deploy state by state, while it goes on."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.e2e.project import Result
from tests.e2e.steps import RELEASE

ENDS_WITHIN_S = 600
"""A deploy, with all the time that it waits for a host that is gone, and for a slow machine."""

SHOWN_CHARS = 600


@dataclass
class Heard:
    """A deploy as `--json` told of it.

    Args:
        result: How it ended.
        started: Host -> the states of the deploy there: resources as they began, with no
            release's id in them.
        struck: Whether it was disturbed.
    """

    result: Result
    started: dict[str, list[str]] = field(default_factory=dict)
    struck: bool = False

    @property
    def _summary(self) -> list[dict]:
        last = self.result.events[-1] if self.result.events else {}
        return list(last.get("hosts", ()))

    @property
    def named_unreachable(self) -> set[str]:
        """The hosts of which the summary says that they could not be reached."""
        return {row["host"] for row in self._summary if row["status"] == "unreachable"}

    @property
    def told(self) -> str:
        """What a person needs to know of it to see what went wrong."""
        lines = [f"exit code {self.result.code}"]
        for event in self.result.events:
            if event["event"] in ("note", "error") or event.get("status") == "failed":
                values = {name: each for name, each in event.items() if each}
                lines.append(str(values)[:SHOWN_CHARS])
        lines += [f"{each['host']}: {each['status']}, {each['error']}" for each in self._summary]
        return "\n".join([*lines, self.result.stderr[-SHOWN_CHARS:]])


def listen(process: subprocess.Popen, at_state: Callable[[str, str], None]) -> Heard:
    """Hear a deploy to its end; one that comes to none is killed.

    Args:
        process: It was started with `--json`.
        at_state: Called with a host and the state that the deploy comes to there.
    """
    watchdog = threading.Timer(ENDS_WITHIN_S, process.kill)
    watchdog.start()
    lines = []
    started: dict[str, list[str]] = {}
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if not line.endswith("\n"):
                break  # It was killed amid it.
            lines.append(line)
            event = json.loads(line)
            if event["event"] == "started":
                state = RELEASE.sub("RELEASE", event["id"])
                started.setdefault(event["host"], []).append(state)
                at_state(event["host"], state)
        _, stderr = process.communicate()
    finally:
        watchdog.cancel()
        process.kill()
        process.wait()
    return Heard(Result(process.returncode, "".join(lines), stderr), started)
