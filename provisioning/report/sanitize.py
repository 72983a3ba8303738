"""The last thing that happens to a text before a person or a program reads it."""

from __future__ import annotations

import re

from provisioning.secrets import REDACTOR

# What moves the cursor, paints, sets titles or answers back. Source: ECMA-48, 5.4 and 5.6.
_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"
    r"|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?"
    r"|\x1b[ -/]*[0-~]"
    r"|\x9b[0-?]*[ -/]*[@-~]"
)
# Controls but tab and newline, and marks that make text read in another order than it has.
# Source: Unicode Standard Annex 9, 2 (explicit directional formatting).
_CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]"
)


def clean(text: str) -> str:
    """Return a text without secrets and without anything that acts upon a terminal.

    What programs on a host print is foreign: it may hold a password, and it may hold an
    escape sequence. Lines stay lines; a carriage return becomes a new line.
    """
    # Twice: a secret may hold controls, and controls may stand within a secret.
    text = REDACTOR.redact(text).replace("\r\n", "\n").replace("\r", "\n")
    text = _CONTROLS.sub("", _ESCAPES.sub("", text))
    return REDACTOR.redact(text.encode("utf-8", "replace").decode())


def clean_line(text: str) -> str:
    """Return a clean text as one line."""
    return " ".join(clean(text).split("\n")).expandtabs(1).strip()


def clean_lines(text: str, last: int | None = None) -> list[str]:
    """Return the lines of a clean text.

    Args:
        text: Such as the output of a program.
        last: How many to return at most; what was left out before them is said in a line.
    """
    lines = [line.expandtabs(8).rstrip() for line in clean(text).split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    if last is None or len(lines) <= last:
        return lines
    return [f"({len(lines) - last} more lines above)", *lines[-last:]]
