"""Options of the suites that are commands: names of a set, with commas between."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Collection


def names_of(known: Collection[str]) -> Callable[[str], list[str]]:
    """Return what reads such an option, and refuses a name that is not among the known ones."""

    def names(text: str) -> list[str]:
        chosen = text.split(",")
        if unknown := [each for each in chosen if each not in known]:
            raise argparse.ArgumentTypeError(
                f"there is no {', '.join(unknown)}; there are: {', '.join(known)}"
            )
        return chosen

    return names
