"""The base of a message that says nothing but itself."""

from __future__ import annotations

from provisioning.agent.runs.wire import Message


class Word:
    """A message that says nothing but itself; `key` is its key on the wire."""

    key = ""

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(type(self))

    def _message(self) -> Message:
        return {self.key: 1}
