"""A run that outlives its caller: a process in a unit of its own, with the host's lock.

    controller -- ssh -- agent ......fork...... run
                           |                     | has the lock, carries out plans
                           +---- run.sock -------+
                           relays, until either is gone

When the connection dies, the relay dies with it; the run goes on. Whoever connects to the
socket hears what the run has said so far, and what it says from then on.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from dataclasses import replace
from types import FrameType
from typing import Optional, Sequence

from provisioning.agent import events, layout
from provisioning.agent.errors import AgentError
from provisioning.agent.executor import Executor
from provisioning.agent.runs import listeners, unit
from provisioning.agent.runs.inbox import Inbox
from provisioning.agent.runs.journal import RunJournal
from provisioning.agent.runs.listeners import Listeners
from provisioning.agent.runs.lock import HostLock
from provisioning.agent.runs.messages import Ask, End, Failed, RunInfo, Submit, Unreadable, Values
from provisioning.agent.runs.outbox import Outbox

SILENCE_S = 60.0
"""After this silence, a run that waits for its next plan considers the controller gone.

Twice the lease: a controller that lost its connection has the time to come back.
"""


def start(about: RunInfo, lock: HostLock, *, closing: Sequence[int]) -> None:
    """Start a run in the background, with the lock that the caller holds.

    Args:
        about: The run.
        lock: Afterwards it is the run's alone.
        closing: The caller's descriptors, which the run must not keep open.
    """
    listening = listeners.listen()
    sys.stdout.flush()
    sys.stderr.flush()
    if os.fork():
        listening.close()
        lock.release()
        return
    status = 1
    try:
        os.setsid()
        for descriptor in closing:
            os.close(descriptor)
        unit.leave_terminal()
        _Run(about, lock, Listeners(listening, about)).live()
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        # Not sys.exit: what the caller's process would do at its end is not ours to do.
        os._exit(status)


class _Run:
    """The process in the background."""

    def __init__(self, about: RunInfo, lock: HostLock, heard_by: Listeners) -> None:
        self._about = about
        self._lock = lock
        self._listeners = heard_by
        # Whoever began it may go: it comes to its end without them.
        self._inbox = Inbox(lease_s=None, patience_s=SILENCE_S)
        self._journal, first = RunJournal.begin(about)
        self._outbox = Outbox(self._journal, heard_by)
        self._executor = Executor(self._inbox, self._outbox)
        # What to do if nobody says what comes next, or a plan does not come to its end.
        self._on_failure: Sequence[Values] = ()
        for event in first:
            self._outbox.event(event)

    def live(self) -> None:
        """Carry out plans until the last one; then tell how it ended, and end."""
        done = events.Done(self._about.run)
        try:
            # Before anybody can talk to it: what it does must not die with the connection.
            unit.become(f"homeport-run-{self._about.run}.scope", self._about.what)
            signal.signal(signal.SIGTERM, self._stop)
            self._listeners.accept(self._inbox)
            done = self._plans(done)
        except AgentError as error:
            done = self._broken(done, error.message)
        except Exception as error:
            traceback.print_exc()
            done = self._broken(done, repr(error))
        self._end(replace(done, more=False))

    def _broken(self, done: events.Done, why: str) -> events.Done:
        self._listeners.accept(self._inbox)
        self._outbox.send(
            Failed(
                f"the run on the host ended unexpectedly: {why}",
                hint="on the host, `journalctl -t homeport` may show more",
            )
        )
        return replace(done, failed=True)

    def _end(self, done: events.Done) -> None:
        self._outbox.flush()
        self._journal(done)
        self._journal.close()
        # First the lock: whoever hears that it is over may begin the next run at once.
        os.unlink(layout.RUN_SOCKET)
        self._lock.release()
        self._listeners(done)
        self._listeners.end()

    def _plans(self, done: events.Done) -> events.Done:
        while True:
            message = self._inbox.next_message()
            if message is None or isinstance(message, End):
                if self._on_failure:
                    done = self._executor.carry_out_whatever_happens(self._on_failure, done)
                # Nobody has said that this is the end: whoever hears of it must not believe so.
                return replace(done, stopped=message is None)
            if isinstance(message, Ask):
                self._executor.answer(message)
                continue
            if isinstance(message, Unreadable):
                self._outbox.send(Failed(message.why))
                continue
            if not isinstance(message, Submit):
                self._outbox.send(Failed(f"a run cannot be asked for {type(message).__name__}"))
                continue
            if message.run == done.run:
                # A controller that comes back says again what it wants, in case that was lost.
                continue
            self._on_failure = message.on_failure or ()
            carried = self._executor.carry_out(message)
            if carried is None:
                continue
            done = carried
            if done.failed or done.stopped:
                return self._executor.carry_out_whatever_happens(self._on_failure, done)
            if message.final:
                return done
            self._outbox.event(replace(done, more=True))

    def _stop(self, number: int, frame: Optional[FrameType]) -> None:
        self._inbox.stop()
