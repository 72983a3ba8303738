"""What a command may never say, whatever happens to it."""

from __future__ import annotations

NEVER = ("Traceback", "this is a bug")


def blunders(output: str) -> list[str]:
    """Return what is wrong with the words of a command; see `Row.wrong`."""
    return [f"it says {each!r}" for each in NEVER if each in output]
