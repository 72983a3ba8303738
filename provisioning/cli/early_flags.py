"""Flags of commands that stand before the command: `fab --env lab provision`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

EARLY = {
    "--env": True,
    "--limit": True,
    "--parallel": True,
    "--json": False,
    "--check": False,
    "--diff": False,
    "--accept-new-host-keys": False,
}
"""Flags that most commands have -> whether a value follows."""


class CoreFlag(Protocol):
    """What Invoke knows of a flag of `fab` itself."""

    @property
    def names(self) -> tuple[str, ...]:
        """Its names, without hyphens."""
        ...

    @property
    def takes_value(self) -> bool:
        """Whether a value follows."""
        ...


def behind_command(argv: Sequence[str], core: Iterable[CoreFlag]) -> list[str]:
    """Return a command line in which the command's flags follow it.

    Args:
        argv: The command line, with the program in front.
        core: The flags of `fab` itself, whose values are no commands.
    """
    valued = {_dashed(name) for each in core if each.takes_value for name in each.names}
    before, at = list(argv[:1]), 1
    moved: list[str] = []
    while at < len(argv) and argv[at] != "--":
        word = argv[at]
        if not word.startswith("-"):
            return [*before, word, *moved, *argv[at + 1 :]]
        name, is_whole, _ = word.partition("=")
        follows = EARLY.get(name, name in valued) and not is_whole
        (moved if name in EARLY else before).extend(argv[at : at + 1 + follows])
        at += 1 + follows
    return list(argv)


def _dashed(name: str) -> str:
    return f"-{name}" if len(name) == 1 else f"--{name}"
