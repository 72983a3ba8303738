"""Take an app's hosts through a deploy or a rollback together.

    get ready   on all hosts; a host that refuses keeps the release from going live anywhere
    switch        in batches; a host that refuses has those reverted that were switched
    agree       all have switched: from here on it stays
    finish      drain, retire, prune

Each host does its part in a run of its own, which goes on without us, and if it hears no more
it goes back to what it had, until all have agreed. On a single host nothing is waited for in
between: it is told everything at once.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from provisioning.deploy.deployment import (
    abort,
    finish,
    instance,
    revert,
    switch,
)
from provisioning.errors import InterruptedRunError
from provisioning.hosts.fleet import Fleet, Resources

if TYPE_CHECKING:
    from provisioning.agent.resource import Resource
    from provisioning.hooks import Hooks
    from provisioning.hosts.host import RemoteHost
    from provisioning.inventory.models.app import App
    from provisioning.inventory.models.hooks import Stage

LOOK_EVERY_S = 15.0
"""How soon in a pause it is noticed that a host has gone back: the others follow it."""

Step = tuple["Stage | None", Resources]
"""A part of getting ready, and for which hooks on the controller it waits first."""


@dataclass(frozen=True)
class Rollout:
    """How a release becomes the live one on all hosts of a fleet, or on none.

    Args:
        fleet: The app's hosts, each with a run of ours in the background.
        app: The app.
        release: The release's id.
        before: Host -> release that is live there, "" for none: what is reverted to.
        tls: Whether the site is served on 443.
        by: Who does this.
        rollback: Whether it goes back to an earlier release.
        hooks: Of the app.
    """

    fleet: Fleet
    app: App
    release: str
    before: Mapping[str, str]
    tls: bool
    by: str
    hooks: Hooks
    rollback: bool = False

    def carry_out(self, *steps: Step) -> bool:
        """Get ready step by step, switch and finish.

        Returns:
            Whether the release is live everywhere; what failed afterwards is with the hosts.

        Raises:
            DeployRefusedError: a hook on the controller kept it from going live.
        """
        phases = self._phases([*steps, ("before-switch", self.hooked("before-switch"))])
        *earlier, last = phases
        if not all(self._get_ready(phase) for phase in earlier):
            return False
        if len(self.fleet.runs) == 1:
            live = self._at_once(last)
        else:
            live = self._get_ready(last) and self._in_batches()
        if live:
            for stage in self._afterwards:
                self.hooks.run(stage)
        return live

    @property
    def _afterwards(self) -> tuple[Stage, ...]:
        return ("after-switch", "after-rollback") if self.rollback else ("after-switch",)

    def hooked(self, *stages: Stage) -> Resources:
        """Return what gives the hooks that run on a host at these stages."""
        return lambda run: [
            resource
            for stage in stages
            for resource in self.hooks.on_host(
                stage, run.known_facts, run.name, first=run is self.fleet.runs[0]
            )
        ]

    def _phases(self, steps: Sequence[Step]) -> list[Step]:
        """Join the steps that wait for nothing on the controller: one exchange in place of two."""
        phases: list[tuple[Stage | None, list[Resources]]] = []
        for stage, resources in steps:
            if phases and not (stage and self.hooks.has(stage)):
                phases[-1][1].append(resources)
            else:
                phases.append((stage, [resources]))
        return [(stage, _joined(parts)) for stage, parts in phases]

    def _in_batches(self) -> bool:
        told: list[RemoteHost] = []
        switched: list[RemoteHost] = []
        batches = list(_batches(self.fleet.runs, self.app.batch.size(len(self.fleet.runs))))
        for number, batch in enumerate(batches):
            if number and not self._pause(switched):
                break
            if self.fleet.is_stopping:
                self._say_interrupted()
                break
            told += batch
            done = self._crew(batch).converge(self._switch, last=False, otherwise=self._back)
            switched += done
            if len(done) < len(batch):
                break
        if len(switched) == len(self.fleet.runs) and self._agree(switched):
            self.fleet.converge(self._finish, otherwise=lambda _: finish(self.app))
            return True
        back = [] if self.fleet.abandoned else self._revert(switched)
        if not self.fleet.abandoned:
            self._revert_broken([run for run in told if run not in back])
        return False

    def _agree(self, switched: Sequence[RemoteHost]) -> bool:
        """Tell all hosts that all have switched, so that nobody goes back any more."""
        # Only when all can be spoken to: it must not take longer than a message to each.
        if not self._are_ours(switched):
            return False
        agreed = self.fleet.converge(_nothing, last=False, otherwise=lambda _: finish(self.app))
        return len(agreed) == len(self.fleet.runs)

    def _are_ours(self, switched: Sequence[RemoteHost]) -> bool:
        """Speak to all hosts, which wait for us; return whether all are still there."""
        there = self.fleet.converge(
            _nothing,
            last=False,
            otherwise=lambda run: self._back(run) if run in switched else abort(self.app),
        )
        return len(there) == len(self.fleet.runs)

    def _at_once(self, phase: Step) -> bool:
        stage, resources = phase
        self._run_hooks(stage)
        everything = _joined([resources, self._switch, self._finish])
        done = self.fleet.converge(everything, otherwise=lambda _: abort(self.app))
        [run] = self.fleet.runs
        # What fails after the switch leaves it as it is.
        failed = run.report.failed and not run.is_stopping
        return bool(done or (failed and run.report.has_changed(f"live-release:{self.app.name}")))

    def _get_ready(self, phase: Step) -> bool:
        stage, resources = phase
        self._run_hooks(stage)
        ready = self.fleet.converge(resources, last=False, otherwise=lambda _: abort(self.app))
        all_ready = len(ready) == len(self.fleet.runs)
        if all_ready and not self.fleet.is_stopping:
            return True
        if all_ready:
            self._say_interrupted()
            self._stand_down(ready)
        elif not self.fleet.abandoned:
            refused = ", ".join(run.name for run in self.fleet.runs if run not in ready)
            for run in ready:
                run.note(f"kept back: {refused} did not get ready")
            self._stand_down(ready)
        return False

    def _run_hooks(self, stage: Stage | None) -> None:
        if stage:
            try:
                self.hooks.run(stage)
            except BaseException:
                self._stand_down(self.fleet.runs)
                raise

    def _switch(self, run: RemoteHost) -> Iterator[Resource]:
        return switch(self.app, self.release, tls=self.tls, by=self.by, rollback=self.rollback)

    def _back(self, run: RemoteHost) -> Iterator[Resource]:
        before = self.before.get(run.name, "")
        return revert(self.app, before, self.release, tls=self.tls, by=self.by)

    def _finish(self, run: RemoteHost) -> Iterator[Resource]:
        yield from self.hooked(*self._afterwards)(run)
        yield from finish(self.app)

    def _stand_down(self, runs: Sequence[RemoteHost]) -> None:
        held = [run for run in runs if run.has_host]
        self._crew(held).converge(lambda _: abort(self.app), otherwise=lambda _: abort(self.app))

    def _revert(self, switched: Sequence[RemoteHost]) -> list[RemoteHost]:
        """Have hosts end on the release that they had, by their runs; return those that do."""
        refused = ", ".join(
            run.name for run in self.fleet.runs if run.report.failed or run.report.error
        )
        for run in switched:
            run.note(f"reverted: {refused or 'somebody'} did not get to the end")
        back = self._crew(switched).converge(self._back, otherwise=self._back)
        self._stand_down([run for run in self.fleet.runs if run not in switched])
        return back

    def _revert_broken(self, broken: Sequence[RemoteHost]) -> None:
        """Have hosts whose run came to a bad end, end on the release that they had.

        Visitors may see the new one there: the run may have ended right after its switch.
        """

        def revert_one(run: RemoteHost) -> None:
            before, taken = self.before.get(run.name, ""), False
            try:
                run.begin_again(f"taking {self.app.name} {self.release} back")
                state: Any = run.ask("app", app=self.app.name)
                if state["live"] not in (before, self.release):
                    # The host was free for a moment.
                    run.note(f"{state['live'] or 'no release'} is live here by now: left as it is")
                    taken = run.converge(())
                    return
                # It may have ended by itself, or with the run.
                gone = before and state["live"] == self.release
                again = [instance(self.app, before)] if gone else []
                taken = run.converge([*again, *self._back(run)])
            finally:
                if not taken:
                    run.note(f"{self.release} may be live here: it could not be taken back")

        self._crew(broken).all(revert_one)

    def _pause(self, switched: Sequence[RemoteHost]) -> bool:
        """Wait between two batches; return whether all hosts are still ours to go on with."""
        until = time.monotonic() + self.app.pause_s
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

    def _crew(self, runs: Sequence[RemoteHost]) -> Fleet:
        return Fleet(runs, self.fleet.parallel)


def _nothing(run: RemoteHost) -> tuple[Resource, ...]:
    return ()


def _joined(parts: Sequence[Resources]) -> Resources:
    return lambda run: [resource for part in parts for resource in part(run)]


def _batches(runs: Sequence[RemoteHost], size: int) -> Iterator[Sequence[RemoteHost]]:
    for first in range(0, len(runs), size):
        yield runs[first : first + size]
