"""What runs did to this host: a file for each, of which the last ones stay.

A run that was cut off leaves a journal without an end: the next run says so. Nothing is
decided by it: what is to be done is read from the host itself.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from typing import List, Optional, TextIO, Tuple

from provisioning.agent import events, layout
from provisioning.agent.answers import RunStatus
from provisioning.agent.runs.messages import Response, RunInfo
from provisioning.agent.runs.wire import Message

KEPT = 20


class RunJournal:
    """The journal of one run. A run that finds nothing to do leaves none.

    Args:
        about: The run.
        always: Write it even if the run changes nothing: the one before was cut off.
    """

    def __init__(self, about: RunInfo, *, always: bool = False) -> None:
        self._about = about
        self._always = always
        self._waiting: List[Message] = []
        self._file: Optional[TextIO] = None

    @classmethod
    def begin(cls, about: RunInfo) -> Tuple[RunJournal, List[events.Noted]]:
        """Return the journal of a run that has the host's lock, and the run's first messages."""
        interrupted = cut_off()
        if interrupted is None:
            return cls(about), []
        return cls(about, always=True), [events.Noted(describe_cut_off(interrupted))]

    def __call__(self, said: Response) -> None:
        """Take what a run says; events are written."""
        if not isinstance(said, events.EVENTS):
            return
        self._waiting.append(events.to_message(said))
        has_failed = isinstance(said, events.Done) and said.failed
        worth = self._always or isinstance(said, events.Started) or has_failed
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
        name = f"{_number(self._about.began):015d}-{self._about.run}.jsonl"
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        file = os.fdopen(os.open(os.path.join(layout.RUNS, name), flags, 0o600), "w")
        file.write(json.dumps(self._about.values()) + "\n")
        return file


def last_runs(count: int = KEPT) -> List[RunStatus]:
    """Return what is known of the last runs, the newest first."""
    found = (_summary(os.path.join(layout.RUNS, name)) for name in reversed(_names()))
    return [each for each in found if each is not None][:count]


def cut_off() -> Optional[RunStatus]:
    """Return the last run if it did not finish; to be called under the host's lock."""
    newest = last_runs(1)
    return newest[0] if newest and not newest[0].ended else None


def describe_cut_off(run: RunStatus) -> str:
    """Say which run was interrupted, when and where."""
    ago_min = max(0, int(time.time() - run.began)) // 60
    when = f"{ago_min} min ago" if ago_min else "just now"
    at = f" at {run.at}" if run.at else ""
    return f"the previous run was interrupted{at}: {run.what} by {run.who}, {when}"


def events_of(run: str) -> List[events.Event]:
    """Return what a run said, from its beginning; nothing if it is not known."""
    for name in _names():
        if name.endswith(f"-{run}.jsonl"):
            return _events(_lines(os.path.join(layout.RUNS, name))[1:])
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
            # A power cut tears lines.
            with contextlib.suppress(ValueError):
                lines.append(json.loads(line))
    return [each for each in lines if isinstance(each, dict)]


def _events(lines: List[Message]) -> List[events.Event]:
    found = []
    for line in lines:
        # What another version of this program has written may have other fields.
        with contextlib.suppress(KeyError, TypeError):
            found.append(events.from_message(line))
    return found


def _summary(path: str) -> Optional[RunStatus]:
    try:
        about, *said = _lines(path)
        values = {name: about[name] for name in RunInfo._fields}
    except (OSError, ValueError, LookupError, TypeError):
        return None
    at, ended = "", ""
    for event in _events(said):
        if isinstance(event, events.Started):
            at = event.id
        elif isinstance(event, events.Done):
            ended = _ended(event)
    return RunStatus(**values, at=at, ended=ended)


def _ended(done: events.Done) -> str:
    if done.more:
        return ""
    return "stopped" if done.stopped else "failed" if done.failed else "done"
