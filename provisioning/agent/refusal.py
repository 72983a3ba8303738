"""Why a release was refused, in the words of the unit that would not run."""

from __future__ import annotations

from typing import Sequence

from provisioning.agent.environment import masked
from provisioning.agent.errors import AgentError
from provisioning.agent.system import System
from provisioning.agent.unit_journal import last_lines

SEARCHED_LINES, SHOWN_LINES, LAST_LINES = 300, 30, 8


def refusal(system: System, app: str, release: str, unit: str, why: str) -> AgentError:
    """Return the error that says so, with the last lines of the unit's journal.

    Args:
        system: The machine.
        app: The app's name.
        release: The release's id.
        unit: A unit of the release.
        why: What is wrong with it.
    """
    return AgentError(
        masked(system, app, f"release {release} of {app} was refused: {why}"),
        hint="correct it and deploy again; visitors have seen nothing of it. "
        f"All it printed: journalctl -u {unit}",
        output=masked(system, app, _telling(last_lines(system, unit, SEARCHED_LINES))),
        refused=True,
    )


def _telling(lines: Sequence[str]) -> str:
    """Return the last traceback and the last lines, or just more of the last lines.

    A server with several workers says much after the one line that matters.
    """
    starts = [number for number, line in enumerate(lines) if line.startswith("Traceback")]
    for start in reversed(starts):
        for end in range(start + 1, len(lines)):
            # The exception: the first line that is not indented, and no other worker's.
            if lines[end] and not lines[end].startswith((" ", "[")):
                shown = lines[max(start, end + 1 - SHOWN_LINES) : end + 1]
                return "\n".join([*shown, *lines[max(end + 1, len(lines) - LAST_LINES) :]])
    return "\n".join(lines[-SHOWN_LINES:])
