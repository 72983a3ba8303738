"""Answer queries and carry out plans."""

from __future__ import annotations

from dataclasses import replace
from typing import Dict, List, Optional, Sequence, Tuple

from provisioning.agent import engine, events, queries
from provisioning.agent.errors import AgentError, StoppedError
from provisioning.agent.facts import facts_digest
from provisioning.agent.machine.memory import Memory
from provisioning.agent.machine.overlay import Overlay
from provisioning.agent.machine.record import Record
from provisioning.agent.machine.system import System
from provisioning.agent.read_facts import gather_facts
from provisioning.agent.resource import Resource, decode
from provisioning.agent.resources import TYPES
from provisioning.agent.runs.inbox import Inbox
from provisioning.agent.runs.messages import Answer, Ask, Failed, Need, OtherFacts, Submit, Values
from provisioning.agent.runs.outbox import Outbox


class Executor:
    """Does what messages ask for.

    Args:
        inbox: Where contents come from, and the word to stop.
        outbox: Where everything is said.
    """

    def __init__(self, inbox: Inbox, outbox: Outbox) -> None:
        self._inbox = inbox
        self._outbox = outbox
        self._current = ""

    def answer(self, asked: Ask) -> None:
        """Answer a query; it changes nothing."""
        system = System(self._say, self._inbox.checkpoint, Memory.of_host(writable=False))
        try:
            answer = queries.answer(asked.question, asked.values, system)
        except AgentError as error:
            self._fail(error)
        else:
            for note in system.notes:
                self._say(note)
            self._outbox.send(Answer(answer))

    def carry_out(self, submitted: Submit) -> Optional[events.Done]:
        """Carry out a plan; the caller has the host's lock.

        Returns:
            Its last event, which is not sent yet; None if something else was answered.
        """
        check = submitted.check
        memory = Memory.of_host(writable=not check)
        kind = Overlay if check else System
        system = kind(self._say, self._inbox.checkpoint, memory)
        system.receive = self._receive
        try:
            system.owned = Record.of_host(writable=not check)
        except AgentError as error:
            self._fail(error)
            return None
        system.owner = memory.owner = submitted.owner
        if submitted.facts and not self._are_the_facts(submitted, system):
            return None
        resources = [decode(TYPES, values) for values in submitted.resources]
        plan = engine.Plan(submitted.run, resources, check, submitted.diff, submitted.adopt)
        try:
            system.fetch(engine.missing_blobs(plan, system))
        except StoppedError:
            return events.Done(plan.run, stopped=True)
        return self._converge(plan, system)

    def carry_out_whatever_happens(
        self, resources: Sequence[Values], done: events.Done
    ) -> events.Done:
        """Clean up after a plan that did not finish.

        Args:
            resources: What should be, as in a plan. They need no contents.
            done: How the plan ended.

        Returns:
            How it ended; that it failed if this does.
        """
        system = System(self._say, memory=Memory.of_host(writable=True))
        system.owned = Record.of_host(writable=True)
        plan = engine.Plan(done.run, [decode(TYPES, each) for each in resources])
        ended = self._converge(plan, system)
        return replace(
            done, failed=done.failed or ended.failed, seconds=done.seconds + ended.seconds
        )

    def _converge(self, plan: engine.Plan, system: System) -> events.Done:
        system.watched_units = _units(plan.resources)
        done = events.Done(plan.run)
        for event in engine.run(plan, system):
            if isinstance(event, events.Done):
                done = event
                break
            if isinstance(event, events.Started):
                self._current = event.id
            self._outbox.event(event)
        self._current = ""
        return done

    def _are_the_facts(self, submitted: Submit, system: System) -> bool:
        """Return whether the plan was made for this host; if not, say for what it should be."""
        try:
            facts = gather_facts(system, submitted.candidates)
        except AgentError as error:
            self._fail(error)
            return False
        if facts_digest(facts) == submitted.facts:
            return True
        self._outbox.send(OtherFacts(facts))
        return False

    def _receive(self, digests: Sequence[str]) -> Dict[str, bytes]:
        """Ask the controller for contents and wait for them."""
        self._outbox.send(Need(tuple(digests)))
        received: Dict[str, bytes] = {}
        while any(digest not in received for digest in digests):
            blob = self._inbox.next_blob()
            if blob is None:
                raise StoppedError
            received[blob[0]] = blob[1]
        return received

    def _say(self, text: str) -> None:
        self._outbox.send(events.Progress(self._current, text))

    def _fail(self, error: AgentError) -> None:
        self._outbox.send(Failed(error.message, error.hint, error.output))


def _units(resources: Sequence[Resource]) -> Tuple[str, ...]:
    units: List[str] = [getattr(resource, "unit", "") for resource in resources]
    return tuple(dict.fromkeys(unit for unit in units if unit))
