"""A program to run, where no other resource type fits."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Callable, ClassVar, Iterable, Mapping, Tuple

from provisioning.agent.errors import CannotStartError
from provisioning.agent.machine.system import System
from provisioning.agent.resource import Change, Ref, Resource, State, normalise, reference_ids


@dataclass(frozen=True)
class Command(Resource):
    """Have a program run when it is needed.

    At least one of `creates`, `unless` and `on` says when that is; with `on` alone it runs
    once, and again whenever one of those resources changes.

    Args:
        label: What it does.
        argv: Program and arguments; no shell is involved unless you name one.
        creates: A path: while it is there, the program need not run.
        unless: A program that only reads; exit status 0 means that there is nothing to do.
        on: Earlier resources after whose change it runs; remembered on the host, so that a
            run which was cut off before it is completed by the next.
        user: Who runs it.
        env: Variables besides a small clean environment.
        cwd: Directory to run in.
        timeout_s: In seconds.
        ran_with: Digest of the inputs; filled in while planning.
    """

    kind: ClassVar[str] = "command"

    label: str
    argv: Tuple[str, ...]
    creates: str = ""
    unless: Tuple[str, ...] = ()
    on: Tuple[Ref, ...] = ()
    user: str = "root"
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: str = "/"
    timeout_s: int = 600
    ran_with: str = ""

    def __post_init__(self) -> None:
        normalise(self, argv=tuple(self.argv), unless=tuple(self.unless), on=reference_ids(self.on))
        if not (self.creates or self.unless or self.on):
            raise ValueError(
                f"command {self.label!r} would run every time: give it creates, unless or on"
            )

    @property
    def name(self) -> str:
        return self.label

    @property
    def inputs(self) -> Iterable[Tuple[str, str]]:
        return [(each, self.id) for each in reference_ids(self.on)]

    def bound(self, digest: Callable[[Tuple[str, ...]], str]) -> Resource:
        return replace(self, ran_with=digest(reference_ids(self.on))) if self.on else self

    def desired(self) -> State:
        state = {"done": True}
        return {**state, "ran_with": self.ran_with} if self.on else state

    def actual(self, system: System) -> State:
        done = not self.creates or system.stat(self.creates) is not None
        if done and self.unless:
            done = self._unless(system)
        return {"done": done, "ran_with": system.memory.recall(self.id)}

    def _unless(self, system: System) -> bool:
        try:
            checked = system.run(
                self.unless, user=self.user, env=self.env, cwd=self._cwd(system), timeout_s=60
            )
        except CannotStartError:
            # An earlier resource may bring the program or the user: a check comes before that.
            return False
        return checked.status == 0

    def _cwd(self, system: System) -> str:
        """Where to look from, in a check of a host on which the directory is not there yet."""
        return self.cwd if system.stat(self.cwd) else "/"

    def apply(self, system: System, change: Change) -> None:
        system.act(
            self.argv,
            why=self.label,
            creates=[self.creates] if self.creates else [],
            user=self.user,
            env=self.env,
            cwd=self.cwd,
            timeout_s=self.timeout_s,
        )
        if self.on:
            system.memory.remember(self.id, self.ran_with)
