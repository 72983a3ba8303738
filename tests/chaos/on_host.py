"""Travels with the agent in this suite only: holds a run at an exact moment.

A moment is a resource and a number: 0 is before the resource is even read, n is right before
the n-th call that changes something while it is applied: a file opened for writing, renamed,
removed, a program started. Between two such calls a host does not change by our doing, so
that they are all the moments there are. Python tells of each before it is made.

    /run/homeport-chaos/moment    {"at": id, "call": n, "hold": true}: written by the suite
                       /reached   the process that is at it; it goes on when this is gone
                       /counts    a line for each resource that was passed, if it is there
                       /clock     by how many seconds the agent's clock is wrong
"""

from __future__ import annotations

import json
import os
import re
import sys
import threading
import time
from typing import Any, Iterator

from provisioning.agent import background, engine, events

HERE = "/run/homeport-chaos"
HELD_AT_MOST_S = 120

CHANGING = frozenset(
    {
        "os.chmod", "os.chown", "os.fork", "os.link", "os.mkdir", "os.remove", "os.rename",
        "os.rmdir", "os.symlink", "os.truncate", "subprocess.Popen",
    }
)  # fmt: skip
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


_CHANGING_NAMES = re.compile(
    r"(?P<release>[0-9]{8}T[0-9]{6}[.][0-9]{3}Z-[0-9a-z]+)|(?<=/venvs/)(?P<venv>[0-9a-f]{16})"
)
_NAMED = {"release": "RELEASE", "venv": "KEY"}
"""Ids hold names that are others in each run."""


class _Moments:
    def __init__(self) -> None:
        self.at, self.call = "begin", 0
        self._busy = False
        self._wanted: Any = None
        try:
            with open(f"{HERE}/moment") as file:
                self._wanted = json.load(file)
        except OSError:
            pass
        self._counting = os.path.exists(f"{HERE}/counts")

    def enter(self, at: str) -> None:
        """Come to another resource."""
        if self._counting:
            self._busy = True
            with open(f"{HERE}/counts", "a") as file:
                file.write(json.dumps([self.at, self.call]) + "\n")
            self._busy = False
        self.at, self.call = _CHANGING_NAMES.sub(lambda found: _NAMED[found.lastgroup], at), 0
        self._pass()

    def hook(self, event: str, arguments: "tuple[Any, ...]") -> None:
        """Count a call that changes something."""
        if self._busy or threading.current_thread() is not threading.main_thread():
            return
        changes = event in CHANGING
        if event == "open":
            path, _, flags = arguments
            changes = (
                isinstance(path, str) and path != os.devnull and bool(int(flags or 0) & WRITING)
            )
        if changes:
            self.call += 1
            self._pass()

    def _pass(self) -> None:
        if self._wanted and (self._wanted["at"], self._wanted["call"]) == (self.at, self.call):
            self._busy = True
            try:
                self._reach(self._wanted)
            finally:
                self._busy = False

    def _reach(self, wanted: Any) -> None:
        self._wanted = None
        try:
            # Of two processes that come to it, one is held.
            os.unlink(f"{HERE}/moment")
        except FileNotFoundError:
            return
        with open(f"{HERE}/reached.new", "w") as file:
            file.write(str(os.getpid()))
        os.rename(f"{HERE}/reached.new", f"{HERE}/reached")
        deadline = time.monotonic() + HELD_AT_MOST_S
        while wanted["hold"] and os.path.exists(f"{HERE}/reached"):
            if time.monotonic() > deadline:
                raise RuntimeError("nobody lets go of this run")
            time.sleep(0.003)


def _set_clock() -> None:
    try:
        with open(f"{HERE}/clock") as file:
            ahead_s = float(file.read())
    except OSError:
        return
    right = time.time
    time.time = lambda: right() + ahead_s  # type: ignore[assignment]


moments = _Moments()


def _watch_converge(original: Any) -> Any:
    def converge(plan: Any, resource: Any, *more: Any) -> Iterator[Any]:
        if not plan.check:
            moments.enter(resource.id)
        return original(plan, resource, *more)

    return converge


def _watch_run(original: Any) -> Any:
    def run(plan: Any, system: Any) -> Iterator[Any]:
        for event in original(plan, system):
            if isinstance(event, events.Done) and not plan.check:
                moments.enter("end")
            yield event

    return run


def _watch_closing(original: Any) -> Any:
    def end(self: Any, done: Any) -> None:
        moments.enter("closing")
        original(self, done)
        moments.enter("over")

    return end


_set_clock()
engine._converge = _watch_converge(engine._converge)  # type: ignore[attr-defined]
engine.run = _watch_run(engine.run)  # type: ignore[assignment]
background._Run._end = _watch_closing(background._Run._end)  # type: ignore[method-assign]
os.register_at_fork(after_in_child=lambda: moments.enter("begun"))
sys.addaudithook(moments.hook)
