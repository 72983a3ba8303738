"""A stand-in for `Hooks`: those of an app that has none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from provisioning.agent.facts import Facts
from provisioning.agent.resources.one_off import OneOff
from provisioning.inventory.models.hooks import Stage


class NoHooks:
    """The hooks of an app that has none; `left` says whether they were left to another command."""

    def __init__(self) -> None:
        self.left = False

    def tell(self, **known: Any) -> None:
        pass

    def leave_it(self) -> None:
        self.left = True

    def has(self, *stages: Stage, on: Literal["controller", "host"] = "controller") -> bool:
        return False

    def run(self, stage: Stage) -> None:
        pass

    def on_host(self, stage: Stage, facts: Facts, host: str, *, first: bool) -> Iterator[OneOff]:
        return iter(())
