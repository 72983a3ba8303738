"""A plan as it is handed to a host, with what its agent needs to know besides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from provisioning.agent.resource import encode
from provisioning.protocol.plan import Plan


@dataclass(frozen=True)
class Submission:
    """A plan for a host, and how it is to be carried out.

    Args:
        plan: The plan.
        who: Shown to whoever finds the host busy.
        what: What it is for, as in "provision".
        check: Change nothing.
        diff: Ask for unified diffs.
        owner: For whom it makes what it makes: "project/environment".
        adopt: Things of somebody else's that a person hands over: ids, or paths.
        final: A run in the background ends with it.
        on_failure: What a run in the background makes true if this plan does not come to its end,
            or if nobody says what comes next. Its resources need no contents.
    """

    plan: Plan
    who: str
    what: str = ""
    check: bool = False
    diff: bool = False
    owner: str = ""
    adopt: tuple[str, ...] = ()
    final: bool = True
    on_failure: Plan | None = None

    def message(self) -> dict[str, Any]:
        """Return it as a message for the agent."""
        message = {
            "plan": [encode(resource) for resource in self.plan.resources],
            "run": self.plan.run,
            "who": self.who,
            "what": self.what,
            "check": self.check,
            "diff": self.diff,
            "owner": self.owner,
            "adopt": list(self.adopt),
            "facts": self.plan.facts,
            "candidates": list(self.plan.candidates),
            # By these names an agent of before knows them, whose run may still be taken up.
            "last": self.final,
        }
        if self.on_failure is not None:
            message["otherwise"] = [encode(each) for each in self.on_failure.resources]
        return message
