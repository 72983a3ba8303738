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
from typing import Any, Mapping, Optional, Sequence

from provisioning.agent import background, events, layout
from provisioning.agent.executor import Executor, about_run
from provisioning.agent.machine import bootstrap_python
from provisioning.agent.runs import listeners
from provisioning.agent.runs.inbox import Inbox
from provisioning.agent.runs.journal import RunJournal
from provisioning.agent.runs.lock import HostLock, LockHeldError
from provisioning.agent.runs.outbox import FrameWriter, Outbox
from provisioning.agent.runs.relay import (
    current_run,
    died,
    relay,
    replay,
)
from provisioning.agent.runs.wire import Message


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
            if "ask" in message:
                Executor(self._inbox, self._outbox).answer(message)
            elif "otherwise" in message:
                # For a run in the background that is no more.
                self._outbox.send(died())
            elif "plan" in message:
                self._run(message)
            elif "begin" in message:
                self._begin(message)
            elif "watch" in message:
                self._watch(message)

    def _run(self, message: Message) -> None:
        """Carry out a plan that ends with the connection."""
        if message.get("check"):
            done = Executor(self._inbox, self._outbox).carry_out(message)
        else:
            about = about_run(message)
            lock = self._lock(about)
            if lock is None:
                return
            listeners.forget()
            kept, first = RunJournal.begin(about)
            outbox = Outbox(self._writer, kept)
            try:
                for event in first:
                    outbox.event(event)
                done = Executor(self._inbox, outbox).carry_out(message)
                outbox.flush()
                if done is not None:
                    kept(events.to_message(done))
            finally:
                kept.close()
                lock.release()
        # Only now: whoever hears it may begin the next run at once.
        if done is not None:
            self._outbox.event(done)

    def _begin(self, message: Message) -> None:
        """Begin a run that does not end with the connection, and pass on what is said."""
        about = about_run({**message, "run": message["begin"]})
        lock = self._lock(about)
        if lock is None:
            return
        background.start(about, lock, closing=[self._writer.descriptor])
        relay(about["run"], self._inbox, self._outbox, owner=True)

    def _watch(self, message: Message) -> None:
        """Pass on what a run in the background says, or said if it is over."""
        run, owner = message["watch"], bool(message.get("owner"))
        now = current_run()
        if now is not None and now["run"] == run:
            relay(
                run,
                self._inbox,
                self._outbox,
                owner=owner,
                after=int(message.get("after", 0)),
                first=message.get("next"),
            )
        else:
            replay(run, self._outbox, owner=owner)

    def _lock(self, about: Mapping[str, Any]) -> Optional[HostLock]:
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
        if now is None:
            self._outbox.send({"failed": str(held), "hint": held.hint, "busy": True})
        else:
            self._outbox.send({"failed": str(held), "hint": held.hint, "underway": now})


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
    writer({"hello": {"python": sys.version.split()[0], "pid": os.getpid()}})
    inbox.read_from(0)
    Agent(inbox, writer).serve()
    return 0
