"""What runs did to this host: a file for each, of which the last ones stay.

A run that was cut off leaves a journal without an end: the next run says so. Nothing is
decided by it: what is to be done is read from the host itself.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from typing import Any, Dict, List, Mapping, Optional, TextIO, Tuple

from provisioning.agent import events, layout
from provisioning.agent.runs.wire import Message

KEPT = 20


class RunJournal:
    """The journal of one run. A run that finds nothing to do leaves none.

    Args:
        about: "run", "who", "what" and "began" (seconds since the epoch).
        always: Write it even if the run changes nothing: the one before was cut off.
    """

    def __init__(self, about: Mapping[str, Any], *, always: bool = False) -> None:
        self._about = about
        self._always = always
        self._waiting: List[Message] = []
        self._file: Optional[TextIO] = None

    @classmethod
    def begin(cls, about: Mapping[str, Any]) -> Tuple[RunJournal, List[events.Noted]]:
        """Return the journal of a run that has the host's lock, and what it has to say first."""
        interrupted = cut_off()
        if interrupted is None:
            return cls(about), []
        return cls(about, always=True), [events.Noted(describe_cut_off(interrupted))]

    def __call__(self, message: Message) -> None:
        """Take a message; events are written."""
        kind = message.get("event")
        if kind is None:
            return
        self._waiting.append(message)
        worth = self._always or kind == "started" or message.get("failed")
        # A journal that cannot be written (a full disk) is no reason to leave a host half-way.
        with contextlib.suppress(OSError):
            if self._file is None and worth:
                self._file = self._open()
            if self._file is not None:
                self._file.writelines(json.dumps(each) + "\n" for each in self._waiting)
                self._waiting.clear()
                self._file.flush()

    def close(self) -> None:
        """Write no more."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
            self._file = None

    def _open(self) -> TextIO:
        # Of what is above a directory, makedirs() would give others a look.
        for directory in (layout.STATE, layout.RUNS):
            os.makedirs(directory, mode=0o700, exist_ok=True)
        for name in _names()[: -KEPT + 1]:
            os.unlink(os.path.join(layout.RUNS, name))
        name = f"{_number(self._about['began']):015d}-{self._about['run']}.jsonl"
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        file = os.fdopen(os.open(os.path.join(layout.RUNS, name), flags, 0o600), "w")
        file.write(json.dumps(self._about) + "\n")
        return file


def last_runs(count: int = KEPT) -> List[Dict[str, Any]]:
    """Return what is known of the last runs, the newest first.

    Returns:
        For each: what it was begun with, "ended" ("done", "failed", "stopped", or "" for
        one that was cut off or is under way) and "at", the resource it was at last.
    """
    found = (_summary(os.path.join(layout.RUNS, name)) for name in reversed(_names()))
    return [each for each in found if each is not None][:count]


def cut_off() -> Optional[Dict[str, Any]]:
    """Return the last run if it has not come to its end; to be asked under the host's lock."""
    newest = last_runs(1)
    return newest[0] if newest and not newest[0]["ended"] else None


def describe_cut_off(run: Mapping[str, Any]) -> str:
    """Say which run was cut off, when and where."""
    ago_min = max(0, int(time.time() - run["began"])) // 60
    when = f"{ago_min} min ago" if ago_min else "just now"
    at = f" at {run['at']}" if run["at"] else ""
    return f"the run before was cut off{at}: {run['what']} by {run['who']}, {when}"


def messages_of(run: str) -> List[Message]:
    """Return what a run said, from its beginning; nothing if it is not known."""
    for name in _names():
        if name.endswith(f"-{run}.jsonl"):
            return _lines(os.path.join(layout.RUNS, name))[1:]
    return []


def _number(began: float) -> int:
    """Return a number by which a journal comes last, even if the clock has been set back."""
    newest = _names()[-1:]
    after = int(newest[0].partition("-")[0]) + 1 if newest else 0
    return max(int(began * 1000), after)


def _names() -> List[str]:
    try:
        return sorted(
            name
            for name in os.listdir(layout.RUNS)
            if name.endswith(".jsonl") and name.partition("-")[0].isdigit()
        )
    except FileNotFoundError:
        return []


def _lines(path: str) -> List[Message]:
    lines = []
    with open(path, errors="replace") as file:
        for line in file:
            try:
                lines.append(json.loads(line))
            except ValueError:
                continue  # A line that a power cut tore.
    return lines


def _summary(path: str) -> Optional[Dict[str, Any]]:
    try:
        about, *said = _lines(path)
        values = {name: about[name] for name in ("run", "who", "what", "began")}
    except (OSError, ValueError, LookupError):
        return None
    at, ended = "", ""
    for message in said:
        if message.get("event") == "started":
            at = message["id"]
        elif message.get("event") == "done":
            ended = _ended(message)
    return {**values, "at": at, "ended": ended}


def _ended(done: Message) -> str:
    if done.get("more"):
        return ""
    return "stopped" if done.get("stopped") else "failed" if done.get("failed") else "done"
