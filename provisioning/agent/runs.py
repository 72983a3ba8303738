"""Runs that outlive their caller: a process of their own, and a journal that anybody may read.

The agent that a controller talks to is a child of its SSH session. What must not stop half-way
is therefore carried out by a fork of it, in a transient scope of systemd's, which writes its
events to a file; the agent copies them to the controller for as long as there is one.

    /var/lib/homeport/runs/<run>/
      about.json     who, what, when
      events         the frames that a controller would get, as they were sent
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional

from provisioning.agent import layout
from provisioning.agent.errors import AgentError, StoppedError
from provisioning.agent.lock import HostLock
from provisioning.agent.system import System
from provisioning.agent.wire import Decoder, Message

RUNS = layout.STATE + "/runs"
KEPT = 20
"""Journals of the last runs that stay, to tell what happened."""

POLL_S = 0.02


def directory(run: str) -> str:
    """Return where a run's journal is."""
    return os.path.join(RUNS, run)


def begin(run: str, about: Mapping[str, Any]) -> str:
    """Make a run's directory, and remove those of the oldest runs.

    Returns:
        The path of its events.
    """
    os.makedirs(RUNS, mode=0o700, exist_ok=True)
    for old in sorted(os.listdir(RUNS), key=_modified)[: -KEPT + 1]:
        shutil.rmtree(directory(old), ignore_errors=True)
    os.makedirs(directory(run), mode=0o700)
    with open(os.path.join(directory(run), "about.json"), "w") as file:
        json.dump({**about, "run": run, "began": time.time()}, file)
    return os.path.join(directory(run), "events")


def _modified(run: str) -> float:
    try:
        return os.stat(directory(run)).st_mtime
    except OSError:
        return 0.0


def fork(run: str, work: Callable[[int, Callable[[], None]], None], events: str) -> int:
    """Do something in a process that outlives this one.

    Args:
        run: The run's id: names the scope.
        work: Called in the new process with the descriptor to write events to, and with a
            checkpoint that raises StoppedError after SIGTERM.
        events: The file for the events.

    Returns:
        The new process's id.
    """
    ready, go = os.pipe()
    pid = os.fork()
    if pid:
        os.close(ready)
        try:
            _move_to_scope(run, pid)
            os.write(go, b"1")
        finally:
            os.close(go)
        return pid
    status = 1
    try:
        os.close(go)
        os.setsid()
        # Nothing begins before the scope does: the session's end would take it along.
        if os.read(ready, 1):
            status = _work(work, events)
    finally:
        os._exit(status)


def _work(work: Callable[[int, Callable[[], None]], None], events: str) -> int:
    stopped: List[int] = []

    def checkpoint() -> None:
        if stopped:
            raise StoppedError

    signal.signal(signal.SIGTERM, lambda number, frame: stopped.append(number))
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    out = os.open(events, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    work(out, checkpoint)
    os.fsync(out)
    return 0


def _move_to_scope(run: str, pid: int) -> None:
    """Put a process into a transient scope. Source: org.freedesktop.systemd1(5)."""
    done = System().run(
        ["busctl", "call", "--quiet", "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
         "org.freedesktop.systemd1.Manager", "StartTransientUnit", "ssa(sv)a(sa(sv))",
         f"homeport-run-{run}.scope", "fail", "3",
         "PIDs", "au", "1", str(pid),
         "Description", "s", f"Homeport, run {run}",
         "CollectMode", "s", "inactive-or-failed",
         "0"]
    )  # fmt: skip
    if done.status != 0:
        raise AgentError(
            "cannot start a run that outlives its connection", output=done.tail,
            hint="systemd must be the host's first process, with its D-Bus interface",
        )  # fmt: skip


def follow(run: str, alive: Callable[[], bool], wait: Callable[[], None]) -> Iterator[bytes]:
    """Yield what a run says, from its beginning, until it ends.

    Args:
        run: Its id.
        alive: Whether somebody still works on it.
        wait: Called when there is nothing new; may raise to give up.
    """
    path = os.path.join(directory(run), "events")
    position = 0
    while True:
        # Asked before reading: what was written before the end is never missed.
        going_on = alive()
        try:
            with open(path, "rb") as file:
                file.seek(position)
                data = file.read()
        except FileNotFoundError:
            data = b""
        if data:
            position += len(data)
            yield data
        elif not going_on:
            return
        else:
            wait()
            time.sleep(POLL_S)


def lock_is_held() -> bool:
    """Return whether a run is at work on this host."""
    return HostLock(layout.LOCK).holder() is not None


def last_runs(count: int) -> List[Dict[str, Any]]:
    """Return who did what last, the newest first, and how it ended."""
    found = []
    for run in sorted(os.listdir(RUNS) if os.path.isdir(RUNS) else [], key=_modified)[::-1][:count]:
        try:
            with open(os.path.join(directory(run), "about.json")) as file:
                about = json.load(file)
        except (OSError, ValueError):
            continue
        found.append({**about, "ended": _ended(run)})
    return found


def _ended(run: str) -> str:
    done: Optional[Message] = None
    try:
        with open(os.path.join(directory(run), "events"), "rb") as file:
            decoder = Decoder()
            decoder.feed(file.read())
    except OSError:
        return "cut off"
    for frame in decoder:
        if isinstance(frame, dict) and frame.get("event") == "done":
            done = frame
    if done is None:
        return "cut off"
    return "failed" if done.get("failed") else "stopped" if done.get("stopped") else "done"
