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
"""

from __future__ import annotations

import os
import sys
from typing import Dict, List, Optional, Sequence, Tuple

from provisioning.agent import borrowed, engine, events, layout, questions
from provisioning.agent.errors import AgentError, StoppedError
from provisioning.agent.gather import facts_digest, gather_facts
from provisioning.agent.inbox import Inbox
from provisioning.agent.lock import HostLock, LockHeldError
from provisioning.agent.memory import Memory
from provisioning.agent.overlay import Overlay
from provisioning.agent.resource import Resource, decode
from provisioning.agent.resources import TYPES
from provisioning.agent.system import System
from provisioning.agent.wire import Message, pack


class Outbox:
    """Frames to the controller."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._unchanged: List[str] = []
        self.broken = False

    def send(self, message: Message) -> None:
        """Send a message, after whatever waited to be sent with it."""
        if self._unchanged:
            unchanged = events.Unchanged(tuple(self._unchanged))
            self._unchanged.clear()
            self._write(pack(events.to_message(unchanged)))
        self._write(pack(message))

    def event(self, event: events.Event) -> None:
        """Send an event; runs of unchanged resources become one."""
        if isinstance(event, events.Finished) and event.status == events.UNCHANGED:
            self._unchanged.append(event.id)
            return
        self.send(events.to_message(event))

    def _write(self, data: bytes) -> None:
        """Write a frame. A controller that is gone is no reason to stop half-way."""
        while data and not self.broken:
            try:
                data = data[os.write(self._descriptor, data) :]
            except OSError:
                self.broken = True


class Agent:
    """One conversation."""

    def __init__(self, inbox: Inbox, outbox: Outbox) -> None:
        self._inbox = inbox
        self._outbox = outbox
        self._current = ""

    def serve(self) -> None:
        """Answer until the controller has no more to say."""
        while True:
            message = self._inbox.next_message()
            if message is None:
                return
            if "ask" in message:
                self._answer(message)
            elif "plan" in message:
                self._run(message)
                self._current = ""

    def _receive(self, digests: Sequence[str]) -> Dict[str, bytes]:
        """Ask the controller for contents and wait for them."""
        self._outbox.send({"need": list(digests)})
        received: Dict[str, bytes] = {}
        while any(digest not in received for digest in digests):
            blob = self._inbox.next_blob()
            if blob is None:
                raise StoppedError
            received[blob[0]] = blob[1]
        return received

    def _say(self, text: str) -> None:
        self._outbox.send(events.to_message(events.Progress(self._current, text)))

    def _answer(self, message: Message) -> None:
        system = System(self._say, self._inbox.checkpoint, Memory.of_host(writable=False))
        try:
            answer = questions.answer(message, system)
        except AgentError as error:
            self._outbox.send({"failed": error.message, "hint": error.hint, "output": error.output})
        else:
            self._outbox.send({"answer": answer})

    def _run(self, message: Message) -> None:
        check = bool(message.get("check"))
        lock = HostLock(layout.LOCK)
        if not check:
            try:
                lock.acquire(message.get("who", "somebody"), message["run"])
            except LockHeldError as held:
                self._outbox.send({"failed": str(held), "hint": held.hint, "busy": True})
                return
        try:
            done = self._run_locked(message, check)
        finally:
            lock.release()
        # Only now: whoever hears it may begin the next run at once.
        if done is not None:
            self._outbox.event(done)

    def _run_locked(self, message: Message, check: bool) -> Optional[events.Done]:
        """Carry out a plan; return its last event, or None if something else was answered."""
        memory = Memory.of_host(writable=not check)
        kind = Overlay if check else System
        system = kind(self._say, self._inbox.checkpoint, memory)
        system.receive = self._receive
        if message.get("facts"):
            try:
                facts = gather_facts(system)
            except AgentError as error:
                self._outbox.send(
                    {"failed": error.message, "hint": error.hint, "output": error.output}
                )
                return None
            if facts_digest(facts) != message["facts"]:
                self._outbox.send({"facts": facts.to_json()})
                return None
        resources = [decode(TYPES, values) for values in message["plan"]]
        plan = engine.Plan(message["run"], resources, check, bool(message.get("diff")))
        system.watched_units = _units(resources)
        try:
            system.fetch(engine.missing_blobs(plan, system))
        except StoppedError:
            return events.Done(plan.run, stopped=True)
        for event in engine.run(plan, system):
            if isinstance(event, events.Done):
                return event
            if isinstance(event, events.Started):
                self._current = event.id
            self._outbox.event(event)
        return None


def _units(resources: Sequence[Resource]) -> Tuple[str, ...]:
    units = (getattr(resource, "unit", "") for resource in resources)
    return tuple(dict.fromkeys(unit for unit in units if unit))


def main(argv: Sequence[str]) -> int:
    """Run the agent on stdin and stdout.

    Args:
        argv: Nothing so far.
    """
    outbox = Outbox(os.dup(1))
    # Whatever a library prints must not end up between the frames.
    os.dup2(2, 1)
    borrowed.sweep()
    outbox.send({"hello": {"python": sys.version.split()[0], "pid": os.getpid()}})
    Agent(Inbox(0), outbox).serve()
    return 0
