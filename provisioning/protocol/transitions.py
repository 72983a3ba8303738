"""What may be said when: the states of a conversation with an agent, and what leads where.

STARTING      the agent was started, and has not said hello
IDLE          nothing was asked for
ASKED         a query is to be answered
SUBMITTED     a plan is to be carried out, and ends with the connection
BEGINNING     a run in the background is to begin
RUN           ours has the host, and waits for what comes next
RUN_ASKED     it is to answer a query
RUN_SUBMITTED it is to carry out a plan
RESUMED       it was come back to: what was lost with the other connection comes too
RUN_ENDING    it was told to end
WATCHING      another's run is listened to
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto
from itertools import product

from provisioning.agent.events import EVENTS, Done
from provisioning.agent.runs.messages import (
    Answer,
    Ask,
    Begin,
    Begun,
    End,
    Failed,
    Hello,
    Need,
    OtherFacts,
    RunEnded,
    Submit,
    Watch,
)


class State(Enum):
    """The state of a conversation."""

    STARTING = auto()
    IDLE = auto()
    ASKED = auto()
    SUBMITTED = auto()
    BEGINNING = auto()
    RUN = auto()
    RUN_ASKED = auto()
    RUN_SUBMITTED = auto()
    RESUMED = auto()
    RUN_ENDING = auto()
    WATCHING = auto()


class PlanDone:
    """The end of the plan that was submitted, among the ends of others."""


class RunDied:
    """A run in the background is gone, and did not finish."""


class Resume:
    """To follow a run of this command over another connection."""


S = State
Table = Mapping[tuple[State, type], State]

SAID: Table = {
    (S.IDLE, Ask): S.ASKED,
    (S.IDLE, Submit): S.SUBMITTED,
    (S.IDLE, Begin): S.BEGINNING,
    (S.IDLE, Watch): S.WATCHING,
    (S.IDLE, Resume): S.RESUMED,
    # It has just ended by itself.
    (S.IDLE, End): S.IDLE,
    (S.RUN, Ask): S.RUN_ASKED,
    (S.RUN, Submit): S.RUN_SUBMITTED,
    # Its last plan is done, and what it says at its end is on its way.
    (S.RUN, Begin): S.BEGINNING,
    (S.RUN, Watch): S.WATCHING,
    (S.RESUMED, Ask): S.RESUMED,
    (S.RESUMED, Submit): S.RESUMED,
    **{
        (state, End): S.RUN_ENDING
        for state in (S.BEGINNING, S.RUN, S.RUN_ASKED, S.RUN_SUBMITTED, S.RESUMED, S.RUN_ENDING)
    },
}
"""State and what the controller says -> the state afterwards."""

OUR_RUN = (S.RUN, S.RUN_ASKED, S.RUN_SUBMITTED, S.RESUMED, S.RUN_ENDING)
_AT_WORK = (S.ASKED, S.SUBMITTED, S.BEGINNING, *OUR_RUN, S.WATCHING)

HEARD: Table = {
    # What changes nothing.
    **{each: each[0] for each in product(_AT_WORK, (*EVENTS, PlanDone))},
    **{each: each[0] for each in product((S.SUBMITTED, S.RUN_SUBMITTED), (Need,))},
    **{each: each[0] for each in product((S.RESUMED, S.RUN_ENDING, S.WATCHING), (Begun, Failed))},
    **{each: each[0] for each in product((S.RESUMED, S.RUN_ENDING), (Answer, Need, OtherFacts))},
    # The answer to a plan that came to a run which was no more.
    **{(state, RunDied): S.IDLE for state in (S.IDLE, S.SUBMITTED)},
    # The end of the run before.
    (S.BEGINNING, RunEnded): S.BEGINNING,
    # A run that has failed altogether says so, and then that it has ended.
    (S.RUN, Failed): S.RUN,
    # What was asked for.
    (S.STARTING, Hello): S.IDLE,
    (S.ASKED, Answer): S.IDLE,
    (S.ASKED, Failed): S.IDLE,
    (S.SUBMITTED, PlanDone): S.IDLE,
    (S.SUBMITTED, OtherFacts): S.IDLE,
    (S.SUBMITTED, Failed): S.IDLE,
    (S.BEGINNING, Begun): S.RUN,
    (S.BEGINNING, Failed): S.IDLE,
    (S.RUN_ASKED, Answer): S.RUN,
    (S.RUN_ASKED, Failed): S.RUN,
    (S.RUN_SUBMITTED, PlanDone): S.RUN,
    (S.RUN_SUBMITTED, OtherFacts): S.RUN,
    (S.RUN_SUBMITTED, Failed): S.RUN,
    # The end of a run.
    **{(state, RunEnded): S.IDLE for state in (*OUR_RUN, S.WATCHING)},
    **{(state, RunDied): S.IDLE for state in (*OUR_RUN, S.BEGINNING, S.WATCHING)},
    # The agent itself answers.
    (S.RUN_ASKED, RunEnded): S.ASKED,
}
"""State and what the agent says -> the state afterwards."""


def kind_of(heard: object, plan: str) -> type:
    """Return the table's name for a message of the agent.

    Args:
        heard: A response.
        plan: The id of the plan that was submitted last; "" for none.
    """
    if isinstance(heard, Done) and plan and heard.run == plan:
        return PlanDone
    if isinstance(heard, Failed) and heard.died:
        return RunDied
    return type(heard)
