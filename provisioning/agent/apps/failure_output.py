"""Why a release was refused, in the words of the unit that would not run."""

from __future__ import annotations

from typing import Iterator, Sequence, Tuple

from provisioning.agent.apps.environment import masked
from provisioning.agent.apps.failure_hints import hint_for
from provisioning.agent.apps.journal import last_lines
from provisioning.agent.errors import AgentError
from provisioning.agent.layout import AppLayout
from provisioning.agent.machine.system import System

SEARCHED_LINES, SHOWN_LINES, LAST_LINES = 300, 30, 8


def refusal(
    system: System, app: str, release: str, unit: str, why: str, mend: str = ""
) -> AgentError:
    """Return the error that says so, with the last lines of the unit's journal.

    Args:
        system: The machine.
        app: The app's name.
        release: The release's id.
        unit: A unit of the release.
        why: What is wrong with it.
        mend: What to do about it, where the reason tells; else what the unit said may.
    """
    words = own_words(system, app, release, unit)
    mend = hint_for(words, app) or mend or "fix it"
    return AgentError(
        masked(system, app, f"release {release} of {app} was refused: {why}"),
        hint=f"{mend}; then deploy again. No traffic reached this release. Its complete output: "
        f"journalctl -u {unit}",
        output=words,
        refused=True,
    )


def own_words(system: System, app: str, release: str, unit: str) -> str:
    """Return the last output of a unit of a release that does not run, without secrets."""
    return why_it_failed(system, app, release, last_lines(system, unit, SEARCHED_LINES))


def why_it_failed(system: System, app: str, release: str, lines: Sequence[str]) -> str:
    """Return the last output of a program of a release that failed, without secrets.

    Args:
        system: The machine.
        app: The app's name.
        release: The release's id.
        lines: What it printed last.
    """
    return masked(system, app, telling(lines, AppLayout(app).code(release)))


def telling(lines: Sequence[str], code: str) -> str:
    """Return the traceback that matters and the last lines, or just more of the last lines.

    A server with several workers says much after the one line that matters: the same from the
    other workers, and why it then ended itself.

    Args:
        lines: What it printed.
        code: Where the app's own code is.
    """
    found = list(_tracebacks(lines))
    of_app = [each for each in found if any(code in line for line in lines[each[0] : each[1]])]
    for start, end in of_app[-1:] or found[:1]:
        shown = lines[max(start, end - SHOWN_LINES) : end]
        return "\n".join([*shown, *lines[max(end, len(lines) - LAST_LINES) :]])
    return "\n".join(lines[-SHOWN_LINES:])


def _tracebacks(lines: Sequence[str]) -> Iterator[Tuple[int, int]]:
    """Yield where each traceback starts, and where it has ended."""
    for start, line in enumerate(lines):
        if line.startswith("Traceback"):
            for end in range(start + 1, len(lines)):
                # The exception: the first line that is not indented, and no other worker's.
                if lines[end] and not lines[end].startswith((" ", "[")):
                    yield start, end + 1
                    break
