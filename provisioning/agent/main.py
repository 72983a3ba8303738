"""The agent: frames in on stdin, frames out on stdout, one plan after another.

    controller                          agent
    ----------                          -----
                                        hello
    {"ask": what, ...}             ->
                                   <-   {"answer": ...}
    {"plan": [...], "facts": digest, ...} ->
                                   <-   {"facts": ...}      only if the plan was made for others
                                   <-   {"need": [digest]}  only if contents are lacking
    blobs                          ->
                                   <-   events ... done
    end of stdin                   ->   exits

A `ping` every few seconds keeps the lease; `stop`, a lost lease and the end of stdin
let the agent finish the resource it is at, and then end.

A run that must outlive the connection is begun in the background; from then on the same
frames go to it, and the agent passes them on:

    {"begin": run, "who": ..., "what": ...} ->
                                   <-   {"begun": ...}      or {"underway": ...}: somebody's else
    asks and plans as above, with "otherwise": [...] and "last"
    {"end": 1}                     ->   or a plan that was the last, or failed, or was stopped
                                   <-   {"ended": 1}
    {"watch": run, "owner": ..., "next": plan} -> the same again, from another connection
"""

from __future__ import annotations

import os
import sys
import time
from typing import Optional, Sequence

from provisioning.agent import background, layout
from provisioning.agent.executor import Executor
from provisioning.agent.machine import bootstrap_python
from provisioning.agent.runs import listeners
from provisioning.agent.runs.inbox import Inbox
from provisioning.agent.runs.journal import RunJournal
from provisioning.agent.runs.lock import HostLock, LockHeldError
from provisioning.agent.runs.messages import (
    Ask,
    Begin,
    Failed,
    Hello,
    RunInfo,
    Submit,
    Unreadable,
    Watch,
)
from provisioning.agent.runs.outbox import FrameWriter, Outbox
from provisioning.agent.runs.relay import current_run, died, relay, replay


class Agent:
    """One conversation.

    Args:
        inbox: From the controller.
        writer: To the controller.
    """

    def __init__(self, inbox: Inbox, writer: FrameWriter) -> None:
        self._inbox = inbox
        self._writer = writer
        self._outbox = Outbox(writer)

    def serve(self) -> None:
        """Answer until the controller has no more to say."""
        while True:
            message = self._inbox.next_message()
            if message is None:
                return
            if isinstance(message, Ask):
                Executor(self._inbox, self._outbox).answer(message)
            elif isinstance(message, Submit):
                self._submit(message)
            elif isinstance(message, Begin):
                self._begin(message)
            elif isinstance(message, Watch):
                self._watch(message)
            elif isinstance(message, Unreadable):
                self._outbox.send(Failed(message.why))
            # To end a run that has just ended by itself is nothing.

    def _submit(self, submitted: Submit) -> None:
        if submitted.on_failure is not None:
            # For a run in the background that is no more.
            self._outbox.send(died())
        else:
            self._run(submitted)

    def _run(self, submitted: Submit) -> None:
        """Carry out a plan that ends with the connection."""
        if submitted.check:
            done = Executor(self._inbox, self._outbox).carry_out(submitted)
        else:
            about = RunInfo(submitted.run, submitted.who, submitted.what, time.time())
            lock = self._lock(about)
            if lock is None:
                return
            listeners.forget()
            kept, first = RunJournal.begin(about)
            outbox = Outbox(self._writer, kept)
            try:
                for event in first:
                    outbox.event(event)
                done = Executor(self._inbox, outbox).carry_out(submitted)
                outbox.flush()
                if done is not None:
                    kept(done)
            finally:
                kept.close()
                lock.release()
        # Only now: whoever hears it may begin the next run at once.
        if done is not None:
            self._outbox.event(done)

    def _begin(self, asked: Begin) -> None:
        """Begin a run that does not end with the connection, and pass on what is said."""
        about = RunInfo(asked.run, asked.who, asked.what, time.time())
        lock = self._lock(about)
        if lock is None:
            return
        background.start(about, lock, closing=[self._writer.descriptor])
        relay(about.run, self._inbox, self._outbox, self._writer.write, owner=True)

    def _watch(self, asked: Watch) -> None:
        """Pass on what a run in the background says, or said if it is over."""
        now = current_run()
        if now is None or now.run != asked.run:
            replay(asked.run, self._outbox, owner=asked.owner)
            return
        relay(
            asked.run,
            self._inbox,
            self._outbox,
            self._writer.write,
            owner=asked.owner,
            after=asked.after,
            first=asked.next,
        )

    def _lock(self, about: RunInfo) -> Optional[HostLock]:
        """Return the host's lock, taken; or say who has it, and return None."""
        lock = HostLock(layout.LOCK)
        try:
            lock.acquire(about)
        except LockHeldError as held:
            self._refuse(held)
            return None
        return lock

    def _refuse(self, held: LockHeldError) -> None:
        now = current_run()
        self._outbox.send(Failed(str(held), held.hint, busy=True, current_run=now))


def main(argv: Sequence[str]) -> int:
    """Run the agent on stdin and stdout.

    Args:
        argv: Nothing so far.
    """
    inbox = Inbox()
    writer = FrameWriter(os.dup(1), lambda: inbox.gone)
    # Whatever a library prints must not end up between the frames.
    os.dup2(2, 1)
    bootstrap_python.sweep()
    writer(Hello(sys.version.split()[0]))
    inbox.read_from(0)
    Agent(inbox, writer).serve()
    return 0
