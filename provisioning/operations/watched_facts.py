"""Facts that know what was looked at: a host is asked for nothing else that costs it something."""

from __future__ import annotations

from typing import Any

from provisioning.agent.facts import VERSIONS, Facts


class WatchedFacts(Facts):
    """The facts of a host, as a role gets them.

    Attributes:
        looked_at: Which of the versions a role, or a template, has read.
    """

    looked_at: set[str]

    @classmethod
    def of(cls, facts: Facts) -> WatchedFacts:
        """Return the same facts, watched from now on."""
        watched = cls(**facts.to_json())
        vars(watched)["looked_at"] = set()
        return watched

    def __getattribute__(self, name: str) -> Any:
        if name in VERSIONS:
            vars(self)["looked_at"].add(name)
        return super().__getattribute__(name)
