"""One command, one moment, one fault: what became of host and visitors, and is it whole again."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from tests.chaos.faults import Fault
from tests.chaos.moments import Moment
from tests.chaos.row import Row
from tests.chaos.sameness import Look
from tests.chaos.stage import Stage
from tests.chaos.strike import Outcome, Strike
from tests.chaos.subjects import Subject
from tests.chaos.trouble import SHOWN, Trouble
from tests.chaos.words import blunders

LATER_S = 0.4
"""Up to so long after a moment something is struck that is not held there."""

NOTICED_WITHIN_S = 1.0
"""So long a client may go on to write to a connection whose end it has not heard of."""


@dataclass(frozen=True)
class Disturbance:
    """One round.

    Args:
        stage: Where.
        subject: Which command.
        fault: What is done.
        moment: When.
        undisturbed: Variant of a subject -> what the host is after its command without a fault.
    """

    stage: Stage
    subject: Subject
    fault: Fault
    moment: Moment
    undisturbed: Mapping[str, Look]

    def carry_out(self) -> Row | None:
        """Disturb the command and have the next one complete it.

        Returns:
            The row; None if the run never came to that moment, so that nothing was tried.
        """
        stage = self.stage
        trouble = Trouble(stage, self.subject, self.undisturbed, self.fault.name, self.moment.at)
        outcome = Strike(
            stage.project,
            stage.host,
            self.subject.arguments,
            self.subject.background,
            self.fault,
            self.moment,
            LATER_S,
        ).carry_out(stage.scene.random)
        if outcome is None:
            return None
        row = trouble.row
        trouble.said = f"it ended with {outcome.code} at {self.moment}: {outcome.said[-SHOWN:]}"
        row.wrong += [*outcome.wrong, *blunders(outcome.said)]
        wrong = stage.wait_for_site()
        if self.fault.takes_host or self.subject.closes_ports:
            stage.outages.append((outcome.began, time.monotonic()))
        if self.fault.takes_connections:
            stage.outages.append((outcome.began, outcome.ended + NOTICED_WITHIN_S))
        if wrong:
            row.wrong.append(wrong)
        self._judge_outcome(row, outcome)
        return trouble.complete()

    def _judge_outcome(self, row: Row, outcome: Outcome) -> None:
        """Judge what the disturbed run has come to by itself."""
        done = self.subject.is_done()
        if outcome.code == 0 and not done:
            row.wrong.append("the command says that it is done, and it is not")
        if not self.subject.background or self.fault.takes_host or self.fault.background_only:
            return
        if self.moment.at not in ("begin", "begun") and not done:
            row.wrong.append("the run on the host did not come to its end by itself")
        if outcome.code and done and not self.fault.takes_controller:
            row.wrong.append("it is done, and the command says that it is not")
