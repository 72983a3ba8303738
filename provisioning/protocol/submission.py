"""A plan as it is sent to a host, with everything else that its agent needs to know."""

from __future__ import annotations

from dataclasses import dataclass

from provisioning.agent.resource import encode
from provisioning.agent.runs.messages import Submit
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

    def request(self) -> Submit:
        """Return it as a message to the agent."""
        on_failure = self.on_failure
        return Submit(
            resources=[encode(each) for each in self.plan.resources],
            run=self.plan.run,
            who=self.who,
            what=self.what,
            check=self.check,
            diff=self.diff,
            owner=self.owner,
            adopt=self.adopt,
            facts=self.plan.facts,
            candidates=tuple(self.plan.candidates),
            final=self.final,
            on_failure=None if on_failure is None else [encode(x) for x in on_failure.resources],
        )
