"""Take an app's hosts through a deploy or a rollback together.

    prepare   on all hosts; a host that refuses keeps the release from going live anywhere
    switch    in batches; a host that refuses has those reverted that were switched
    confirm   all have switched: from here on it stays
    finish    drain, retire, prune

Each host does its part in a run of its own, which continues without the controller, and if it
hears no more it reverts to what it had, until all have confirmed. On a single host nothing is
waited for in between: it gets everything at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from provisioning.errors import InterruptedRunError
from provisioning.hosts.fleet import Fleet
from provisioning.protocol.queries import app_state

if TYPE_CHECKING:
    from provisioning.deploy.phases import Change, HostPhases, Phases, Resources
    from provisioning.hooks import Hooks
    from provisioning.hosts.host import RemoteHost
    from provisioning.inventory.models.hooks import Stage

LOOK_EVERY_S = 15.0
"""How soon in a pause it is noticed that a host has gone back: the others follow it."""


@dataclass(frozen=True)
class Rollout:
    """How a release becomes the live one on all hosts of a fleet, or on none.

    Args:
        fleet: The app's hosts, each with a run of this command in the background.
        change: Which release is to be live.
        phases: What each host is to get.
        hooks: Of the app.
    """

    fleet: Fleet
    change: Change
    phases: Phases
    hooks: Hooks

    def carry_out(self) -> bool:
        """Prepare step by step, switch and finish.

        Returns:
            Whether the release is live everywhere; what failed afterwards is with the hosts.

        Raises:
            DeployRefusedError: a hook on the controller kept it from going live.
        """
        *earlier, last = range(len(self.phases.stages))
        if not all(self._prepare(number) for number in earlier):
            return False
        if len(self.fleet.runs) == 1:
            live = self._at_once(last)
        else:
            live = self._prepare(last) and self._in_batches()
        if live:
            for stage in self.change.afterwards:
                self.hooks.run(stage)
        return live

    def _each(self, part: Callable[[HostPhases], Resources]) -> dict[str, Resources]:
        """Return a part of the phases of each host."""
        return {host: part(phases) for host, phases in self.phases.hosts.items()}

    @property
    def _back(self) -> dict[str, Resources]:
        return self._each(lambda phases: phases.revert)

    @property
    def _abandon(self) -> dict[str, Resources]:
        return self._each(lambda phases: phases.abort)

    @property
    def _settle(self) -> dict[str, Resources]:
        return self._each(lambda phases: phases.settle)

    def _in_batches(self) -> bool:
        told: list[RemoteHost] = []
        switched: list[RemoteHost] = []
        app = self.change.app
        batches = list(_batches(self.fleet.runs, app.batch.size(len(self.fleet.runs))))
        for number, batch in enumerate(batches):
            if number and not self._pause(switched):
                break
            if self.fleet.is_stopping:
                self._say_interrupted()
                break
            told += batch
            done = self._some(batch).converge(
                self._each(lambda phases: phases.switch), final=False, on_failure=self._back
            )
            switched += done
            if len(done) < len(batch):
                break
        if len(switched) == len(self.fleet.runs) and self._confirm(switched):
            self.fleet.converge(self._each(lambda phases: phases.finish), on_failure=self._settle)
            return True
        back = [] if self.fleet.abandoned else self._revert(switched)
        if not self.fleet.abandoned:
            self._revert_broken([run for run in told if run not in back])
        return False

    def _confirm(self, switched: Sequence[RemoteHost]) -> bool:
        """Tell all hosts that all have switched, so that none reverts any more."""
        # Only when all can be spoken to: it must not take longer than a message to each.
        if not self._are_ours(switched):
            return False
        confirmed = self.fleet.converge({}, final=False, on_failure=self._settle)
        return len(confirmed) == len(self.fleet.runs)

    def _are_ours(self, switched: Sequence[RemoteHost]) -> bool:
        """Speak to all hosts, which wait for this command; return whether all are still there."""
        names = {run.name for run in switched}
        back = {
            host: phases.revert if host in names else phases.abort
            for host, phases in self.phases.hosts.items()
        }
        there = self.fleet.converge({}, final=False, on_failure=back)
        return len(there) == len(self.fleet.runs)

    def _at_once(self, number: int) -> bool:
        self._run_hooks(self.phases.stages[number])
        everything = self._each(
            lambda phases: (*phases.prepare[number], *phases.switch, *phases.finish)
        )
        done = self.fleet.converge(everything, on_failure=self._abandon)
        [run] = self.fleet.runs
        # What fails after the switch leaves it as it is.
        failed = run.report.failed and not run.is_stopping
        live = f"live-release:{self.change.app.name}"
        return bool(done or (failed and run.report.has_changed(live)))

    def _prepare(self, number: int) -> bool:
        self._run_hooks(self.phases.stages[number])
        ready = self.fleet.converge(
            self._each(lambda phases: phases.prepare[number]), final=False, on_failure=self._abandon
        )
        all_ready = len(ready) == len(self.fleet.runs)
        if all_ready and not self.fleet.is_stopping:
            return True
        if all_ready:
            self._say_interrupted()
            self._abort(ready)
        elif not self.fleet.abandoned:
            refused = ", ".join(run.name for run in self.fleet.runs if run not in ready)
            for run in ready:
                run.note(f"not switched: {refused} was not ready")
            self._abort(ready)
        return False

    def _run_hooks(self, stage: Stage | None) -> None:
        if stage:
            try:
                self.hooks.run(stage)
            except BaseException:
                self._abort(self.fleet.runs)
                raise

    def _abort(self, runs: Sequence[RemoteHost]) -> None:
        held = [run for run in runs if run.has_host]
        self._some(held).converge(self._abandon, on_failure=self._abandon)

    def _revert(self, switched: Sequence[RemoteHost]) -> list[RemoteHost]:
        """Have hosts end on the release that they had, by their runs; return those that do."""
        refused = ", ".join(
            run.name for run in self.fleet.runs if run.report.failed or run.report.error
        )
        why = f"the {self.change.kind} failed on {refused}" if refused else "it was stopped"
        for run in switched:
            run.note(f"reverted: {why}")
        back = self._some(switched).converge(self._back, on_failure=self._back)
        self._abort([run for run in self.fleet.runs if run not in switched])
        return back

    def _revert_broken(self, broken: Sequence[RemoteHost]) -> None:
        """Have hosts whose run came to a bad end, end on the release that they had.

        Visitors may see the new one there: the run may have ended right after its switch.
        """
        app, release = self.change.app.name, self.change.release

        def revert_one(run: RemoteHost) -> None:
            phases, reverted = self.phases.hosts[run.name], False
            try:
                run.begin_again(f"reverting {app} {release}")
                state = run.ask(app_state(app))
                if state.live not in (phases.before, release):
                    # The host was free for a moment.
                    live = state.live or "no release"
                    run.note(f"another command has made {live} live here; it stays live")
                    reverted = run.converge(())
                    return
                # It may have ended by itself, or with the run.
                again = phases.start_before if state.live == release else ()
                reverted = run.converge([*again, *phases.revert])
            finally:
                if not reverted:
                    run.note(f"{release} may be live here: it could not be reverted")

        self._some(broken).all(revert_one)

    def _pause(self, switched: Sequence[RemoteHost]) -> bool:
        """Wait between two batches; return whether all hosts still wait for this command."""
        until = time.monotonic() + self.change.app.pause_s
        try:
            while (left_s := until - time.monotonic()) > 0:
                time.sleep(min(left_s, LOOK_EVERY_S))
                if left_s > LOOK_EVERY_S and not self._are_ours(switched):
                    return False
        except KeyboardInterrupt:
            for run in self.fleet.runs:
                run.fail(InterruptedRunError("interrupted between two batches"))
            return False
        return self._are_ours(switched)

    def _say_interrupted(self) -> None:
        for run in self.fleet.runs:
            if not run.report.error:
                run.fail(InterruptedRunError("interrupted", hint="run it again"))

    def _some(self, runs: Sequence[RemoteHost]) -> Fleet:
        return Fleet(runs, self.fleet.parallel)


def _batches(runs: Sequence[RemoteHost], size: int) -> Iterator[Sequence[RemoteHost]]:
    for first in range(0, len(runs), size):
        yield runs[first : first + size]
