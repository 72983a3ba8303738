"""Which migrations a database has, as a program of the release says."""

from __future__ import annotations

import json
import re
from typing import List, Optional, Sequence, Tuple

from provisioning.agent.answers import MIGRATED, HistoryEvent
from provisioning.agent.apps.history import History
from provisioning.agent.machine.system import System

MOST_NAMES, MOST_CHARS = 100, 200
"""Of a history's line: what an app prints has no end."""


def names_in(lines: Sequence[str], pattern: str) -> List[str]:
    """Return the migrations that are named in what a program has printed.

    Args:
        lines: What it has printed.
        pattern: Its first group is the name, in a line.
    """
    found = (re.search(pattern, line) for line in lines)
    return [each[1][:MOST_CHARS] for each in found if each and each[1].isprintable()]


def remember_before(system: System, key: str, names: Optional[Sequence[str]]) -> None:
    """Keep what there was before the first attempt: a run that is cut off may have migrated.

    Args:
        system: The machine.
        key: Of the program that migrates.
        names: What there is; None where it is not known, which stays so.
    """
    if not system.memory.recall(_before(key)):
        system.memory.remember(_before(key), json.dumps(names))


def record_after(
    system: System, app: str, release: str, key: str, names: Optional[Sequence[str]]
) -> None:
    """Write into the history which migrations there are now, and were not before.

    Where either is not known, nothing is written: then nobody may go back without a word.
    """
    before = json.loads(system.memory.recall(_before(key)) or "null")
    system.memory.forget(_before(key))
    if names is None or before is None:
        return
    anew: Tuple[str, ...] = tuple(each for each in names if each not in before)[:MOST_NAMES]
    History(app, system).record(HistoryEvent(MIGRATED, release, migrations=anew))


def forget(system: System, key: str) -> None:
    """Forget what there was before, of a release that goes."""
    system.memory.forget(_before(key))


def _before(key: str) -> str:
    return f"{key} before"
