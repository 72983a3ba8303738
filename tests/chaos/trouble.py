"""One command that meets with trouble, and the next one, without it, that completes it."""

from __future__ import annotations

import time
from collections.abc import Mapping

from tests.chaos.row import Row
from tests.chaos.sameness import Look, look_at
from tests.chaos.stage import Stage
from tests.chaos.subjects import Subject
from tests.chaos.words import blunders
from tests.e2e.project import Result

SHOWN = 2000
"""Of what a command printed, where something was wrong; in characters."""

NOTICED_WITHIN_S = 2.0
"""After which nobody may suffer any more from what is over."""

FAILED = (1, 4)
"""A resource failed; a deploy was refused. Source: README.md, "Exit codes"."""


Undisturbed = tuple[Mapping[str, int], Mapping[str, Look]]
"""What `switching.learn` returns: how many calls that change something each resource of a command
has, and what it makes of a host: variant -> look."""


class Trouble:
    """One round on a host that has visitors.

    Args:
        stage: Where.
        subject: Which command.
        undisturbed: Variant of the subject -> what the host is after it without trouble.
        fault, state: As in the table.

    Attributes:
        row: What is known of it so far.
        said: What the command said; shown if anything is wrong.
    """

    def __init__(
        self,
        stage: Stage,
        subject: Subject,
        undisturbed: Mapping[str, Look],
        fault: str,
        state: str,
    ) -> None:
        self._stage = stage
        self._subject = subject
        self._undisturbed = undisturbed
        self.row = Row(fault, f"{subject.name}: {state}", tried=1)
        self.said = ""
        subject.prepare()
        self._began, self._sent = time.monotonic(), stage.crowd.requests

    def judge(
        self,
        told: Result,
        *words: str,
        codes: tuple[int, ...] = FAILED,
        hint: bool = True,
        killed: bool = False,
    ) -> None:
        """Judge how the command ended, while the trouble is still there.

        Args:
            told: What it said.
            words: What it must say, if it failed.
            codes: How it may end.
            hint: Whether it must say what to do, if it failed.
            killed: Whether its run was: what that has left, the next one takes away.
        """
        self.said = told.output
        if told.code not in codes:
            self.row.wrong.append(f"the command ended with {told.code}")
        self.row.wrong += blunders(told.output)
        if told.code != 0:
            wanted = [*words, "try: "] if hint else words
            self.row.wrong += [f"it does not say {each!r}" for each in wanted
                               if each not in told.output]  # fmt: skip
        elif not self._subject.is_done():
            self.row.wrong.append("the command says that it is done, and it is not")
        if killed:
            return
        look = look_at(self._stage.host)
        # What a deploy that failed has built to its end, the next one uses.
        self.row.left_over += [each for each in look.left_over if "is of no release" not in each]

    def complete(self, *, excuse: str = "") -> Row:
        """Have the next run complete it, now that the trouble is over; return the row.

        Args:
            excuse: How failures are told that were the app's own, for the same trouble.
        """
        over = time.monotonic() + NOTICED_WITHIN_S
        row, stage, subject = self.row, self._stage, self._subject
        began = time.monotonic()
        again = stage.fab(*subject.again)
        row.wrong += blunders(again.output)
        if again.code != 0:
            row.wrong.append(f"the next run ended with {again.code}: {again.output[-SHOWN:]}")
        wrong = stage.wait_for_site()
        if subject.closes_ports:
            stage.outages.append((began, time.monotonic()))
        if wrong:
            row.wrong.append(wrong)
        look = look_at(stage.host)
        row.left_over += look.left_over
        differences = look.differences(self._undisturbed[subject.variant])
        row.wrong += differences[:10]
        done = subject.is_done()
        if not done:
            row.wrong.append("the next run did not complete it")
        row.converged = int(done and not differences and not look.left_over)
        stage.crowd.wait_for_answers()
        all_, row.excused = stage.failures(self._began, reloads=subject.reloads)
        late, _ = stage.failures(over, reloads=subject.reloads)
        bad = [each for each in all_ if not excuse or excuse not in each or each in late]
        row.excused += len(all_) - len(bad)
        row.failed = len(bad)
        row.wrong += bad[:3]
        row.sent = stage.crowd.requests - self._sent
        if not row.is_good:
            row.wrong.append(f"on {stage.host.name}: " + self.said[-SHOWN:])
        return row
