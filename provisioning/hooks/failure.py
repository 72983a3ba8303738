"""How a hook fails."""

from __future__ import annotations


class HookFailedError(Exception):
    """A hook came to no good end.

    Args:
        reason: Reads on after the hook: "ended with exit status 1".
        output: The last lines of what it printed.
    """

    def __init__(self, reason: str, output: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.output = output
