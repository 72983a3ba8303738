"""What controller and agent say to each other: a class for each message.

Both sides use these; on the wire each is a JSON object (see wire.py) with a key of its own. The
names of keys stay as they are: a run in the background may be of an earlier version.
What a host says is checked by the controller before it becomes one of these: protocol/responses.py.

Not dataclasses: to make the class of one takes eight times as long, in each run on both sides.
"""

from __future__ import annotations

from typing import Union

from provisioning.agent.events import EVENTS, to_message
from provisioning.agent.runs.messages.requests import (
    Ask,
    Begin,
    End,
    Ping,
    Request,
    Stop,
    Unreadable,
    Watch,
    request_of,
)
from provisioning.agent.runs.messages.responses import (
    Answer,
    Begun,
    Failed,
    Hello,
    Need,
    OtherFacts,
    Response,
    RunEnded,
)
from provisioning.agent.runs.messages.run_info import RunInfo
from provisioning.agent.runs.messages.submit import Submit, Values
from provisioning.agent.runs.wire import Message

__all__ = [
    "Answer",
    "Ask",
    "Begin",
    "Begun",
    "End",
    "Failed",
    "Hello",
    "Need",
    "OtherFacts",
    "Ping",
    "Request",
    "Response",
    "RunEnded",
    "RunInfo",
    "Stop",
    "Submit",
    "Unreadable",
    "Values",
    "Watch",
    "message_of",
    "request_of",
]


def message_of(said: Union[Request, Response]) -> Message:
    """Return what one says to the other as it travels."""
    if isinstance(said, EVENTS):
        return to_message(said)
    return said._message()
