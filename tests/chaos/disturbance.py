"""One command, one moment, one fault: what became of host and visitors, and is it whole again."""

from __future__ import annotations

import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from provisioning.host_run import RECONNECT_S
from tests.chaos.faults import Fault, Struck, bring_back, end, wait_until_free
from tests.chaos.moments import Moment
from tests.chaos.row import Row
from tests.chaos.sameness import Look, look_at
from tests.chaos.stage import Stage
from tests.chaos.subjects import Subject
from tests.e2e.through_proxy import through_proxy
from tests.proxy import Proxy

LATER_S = 0.4
"""Up to so long after a moment something is struck that is not held there."""

ENDS_WITHIN_S = RECONNECT_S + 60
"""A command goes on trying to reach a host for so long; all else is quicker."""

NOTICED_WITHIN_S = 1.0
"""So long a client may go on to write to a connection whose end it has not heard of."""

SHOWN = 1500
"""Of what a command printed, where something was wrong; in characters."""


@dataclass
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
    _said: list[str] = field(default_factory=list)

    def carry_out(self) -> Row | None:
        """Disturb the command and have the next one complete it.

        Returns:
            The row; None if the run never came to that moment, so that nothing was tried.
        """
        stage = self.stage
        row = Row(self.fault.name, f"{self.subject.name}: {self.moment.at}")
        self.subject.prepare()
        began, sent = time.monotonic(), stage.crowd.requests
        if not self._disturb(row):
            return None
        row.tried = 1
        wrong = stage.wait_for_site()
        if self.fault.takes_host:
            stage.outages.append((self._struck, time.monotonic()))
        if wrong:
            row.wrong.append(wrong)
        self._judge_outcome(row)
        again = stage.fab(*self.subject.again)
        if again.code != 0 or "Traceback" in again.output:
            row.wrong.append(f"the next run ended with {again.code}: {again.output[-SHOWN:]}")
        self._judge_host(row)
        stage.crowd.wait_for_answers()
        bad, row.excused = stage.failures(began, reloads=self.subject.reloads)
        row.failed = len(bad)
        row.wrong += bad[:3]
        row.sent = stage.crowd.requests - sent
        if not row.is_good:
            row.wrong.append(f"at {self.moment} on {stage.host.name}: " + "".join(self._said))
        return row

    def _disturb(self, row: Row) -> bool:
        if not self.fault.through_proxy:
            return self._disturb_through(None)
        with through_proxy(self.stage.project, self.stage.host) as proxy:
            return self._disturb_through(proxy)

    def _disturb_through(self, proxy: Proxy | None) -> bool:
        stage, fault = self.stage, self.fault
        stage.moments.arm(self.moment)
        booted = stage.host.start_time
        process = stage.project.start("-H", stage.host.name, *self.subject.arguments)
        try:
            run = stage.moments.wait(process)
            if run is None:
                self._said.append(end(process))
                return False
            if not self.moment.hold:
                time.sleep(stage.scene.random.random() * LATER_S)
            self._struck = time.monotonic()
            fault.strike(Struck(stage.host, process, run, self.subject.background, proxy))
            if fault.takes_connections:
                stage.outages.append((self._struck, time.monotonic() + NOTICED_WITHIN_S))
            if fault.takes_host:
                if stage.host.is_on:
                    stage.moments.let_go()
                bring_back(stage.host, booted)
            else:
                stage.moments.let_go()
            if not wait_until_free(stage.host):
                self._said.append("the lock was not freed. ")
            if fault.through_proxy:
                # It would go on trying to reach the host; the laptop is closed.
                process.kill()
            self._was_killed = fault.through_proxy or process.poll() == -signal.SIGKILL
        finally:
            self._said.append(end(process, ENDS_WITHIN_S)[-SHOWN:])
            self._code = process.returncode
            if stage.host.is_on:
                stage.moments.let_go()
        return True

    def _judge_outcome(self, row: Row) -> None:
        """Judge what the disturbed run has come to by itself, and what it said."""
        said = "".join(self._said)
        done = self.subject.is_done()
        if "Traceback" in said:
            row.wrong.append("the command shows a traceback")
        if self._code == -signal.SIGKILL and not self._was_killed:
            row.wrong.append("the command did not end")
        if self._code == 0 and not done:
            row.wrong.append("the command says that it is done, and it is not")
        goes_on = self.subject.background and self.moment.at != "begin"
        hurts_run = self.fault.takes_host or self.fault.background_only
        if goes_on and not hurts_run and not done:
            row.wrong.append("the run on the host did not come to its end by itself")
        if "the lock was not freed" in said:
            row.left_over.append("a run")

    def _judge_host(self, row: Row) -> None:
        look = look_at(self.stage.host)
        row.left_over += look.left_over
        differences = look.differences(self.undisturbed[self.subject.variant])
        row.wrong += differences[:10]
        done = self.subject.is_done()
        if not done:
            row.wrong.append("the next run did not complete it")
        row.converged = int(done and not differences and not look.left_over)
