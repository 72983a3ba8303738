"""What each host is to get in a deploy or a rollback, built before anything of it runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from provisioning.deploy.steps import abort, finish, release_running, revert, switch

if TYPE_CHECKING:
    from provisioning.agent.facts import Facts
    from provisioning.agent.resource import Resource
    from provisioning.deploy.begin import Beginning
    from provisioning.hooks import Hooks
    from provisioning.inventory.models.app import App
    from provisioning.inventory.models.hooks import Stage

Resources = tuple["Resource", ...]


@dataclass(frozen=True)
class Step:
    """A part of getting ready.

    Args:
        stage: The hooks on the controller that come first; None for none.
        resources: Host -> what it is to get; a host that is missing gets nothing.
        apart: Whether it begins when all hosts have ended what comes before.
    """

    stage: Stage | None
    resources: Mapping[str, Iterable[Resource]]
    apart: bool = False


@dataclass(frozen=True)
class Change:
    """Which release is to be the live one, and how.

    Args:
        app: The app.
        release: The release's id.
        https: Whether the site is served on 443.
        by: Who does this.
        rollback: Whether it goes back to an earlier release.
        keeps_before: Whether the release before is one to go back to.
    """

    app: App
    release: str
    https: bool
    by: str
    rollback: bool = False
    keeps_before: bool = True

    @property
    def kind(self) -> str:
        """The kind of change, in words for a person."""
        return "rollback" if self.rollback else "deploy"

    @property
    def afterwards(self) -> tuple[Stage, ...]:
        """The stages of hooks that come once the release is live."""
        return ("after-switch", "after-rollback") if self.rollback else ("after-switch",)


@dataclass(frozen=True)
class HostPhases:
    """What one host is to get, in order.

    Args:
        prepare: Gets the release ready, a part for each time that the controller is waited for.
        switch: Makes it the live one.
        finish: What is left to do once it stays, hooks included.
        settle: The same without hooks: what a host does by itself.
        before: The release that was live, "" for none.
        revert: Makes that the live one again.
        start_before: Starts that where it does not run any more.
        abort: Stops every release but the live one.
    """

    prepare: tuple[Resources, ...]
    switch: Resources
    finish: Resources
    settle: Resources
    before: str
    revert: Resources
    start_before: Resources
    abort: Resources


@dataclass(frozen=True)
class Phases:
    """What all hosts are to get.

    Args:
        hosts: Host -> what it is to get.
        stages: Of each part of getting ready the hooks on the controller that come first.
    """

    hosts: Mapping[str, HostPhases]
    stages: tuple[Stage | None, ...]


class Planner:
    """Builds the phases of a change.

    Args:
        change: Which release is to be the live one.
        begun: What is on the hosts.
        hooks: Of the app.
    """

    def __init__(self, change: Change, begun: Beginning, hooks: Hooks) -> None:
        self._change, self._begun, self._hooks = change, begun, hooks

    @property
    def first(self) -> str:
        """The host that runs the migration, and everything that runs on one host only."""
        return next(iter(self._begun.states))

    @property
    def facts(self) -> Mapping[str, Facts]:
        """Host -> its facts."""
        return self._begun.facts

    def hooked(self, *stages: Stage) -> dict[str, Resources]:
        """Return the hooks that run on hosts at some stages."""
        return {
            host: tuple(
                resource
                for stage in stages
                for resource in self._hooks.on_host(stage, facts, host, first=host == self.first)
            )
            for host, facts in self.facts.items()
        }

    def plan(self, *steps: Step) -> Phases:
        """Return what all hosts are to get.

        Args:
            steps: How the release gets ready. Those that wait for no hook on the controller, and
                for no other host, are joined: one exchange in place of two.
        """
        stages: list[Stage | None] = []
        parts: list[dict[str, list[Resource]]] = []
        for step in (*steps, Step("before-switch", self.hooked("before-switch"))):
            waits = step.apart and len(self.facts) > 1
            if not parts or waits or (step.stage and self._hooks.has(step.stage)):
                stages.append(step.stage)
                parts.append({host: [] for host in self.facts})
            for host, resources in step.resources.items():
                parts[-1][host] += resources
        afterwards = self.hooked(*self._change.afterwards)
        return Phases(
            {host: self._of(host, parts, afterwards[host]) for host in self.facts}, tuple(stages)
        )

    def _of(
        self, host: str, parts: Iterable[Mapping[str, list[Resource]]], afterwards: Resources
    ) -> HostPhases:
        change, app = self._change, self._change.app
        before = self._begun.live[host] if change.keeps_before else ""
        settle = tuple(finish(app))
        return HostPhases(
            prepare=tuple(tuple(part[host]) for part in parts),
            switch=tuple(
                switch(app, change.release, https=change.https, by=change.by,
                       rollback=change.rollback)
            ),
            finish=(*afterwards, *settle),
            settle=settle,
            before=before,
            revert=tuple(revert(app, before, change.release, https=change.https, by=change.by)),
            start_before=(release_running(app, before),) if before else (),
            abort=tuple(abort(app)),
        )  # fmt: skip
