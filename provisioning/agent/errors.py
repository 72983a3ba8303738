"""What can go wrong on a host, as a message for a person."""

from __future__ import annotations


class AgentError(Exception):
    """A resource could not be read or brought to its desired state.

    Args:
        message: One line: "cannot X: reason".
        hint: What to do about it, or "".
        output: Last lines of what a program printed, or "".
        refused: A release was kept from going live: the run ends with exit code 4.
    """

    def __init__(
        self, message: str, *, hint: str = "", output: str = "", refused: bool = False
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.output = output
        self.refused = refused


class CannotStartError(AgentError):
    """A program is not installed, or the user who should run it is not there."""


class StoppedError(Exception):
    """The person, or a lost connection, asked the agent to stop at a safe point."""
