"""How things look on a terminal: the sixteen colours that every theme makes readable.

Words keep the terminal's own colour, dark or light; colour stands on symbols and on
outcomes, and never says what no symbol or word says too.
"""

from __future__ import annotations

from rich.text import Text

from provisioning.report.changes import ADDED, CHANGED, FAILED, REMOVED
from provisioning.report.sanitize import clean

SYMBOLS = {
    ADDED: "bold green",
    CHANGED: "bold yellow",
    REMOVED: "bold magenta",
    FAILED: "bold red",
}

OUTCOMES = {
    "changed": "green",
    "would change": "yellow",
    "unchanged": "default",
    "failed": "bold red",
    "refused": "bold red",
    "unreachable": "bold red",
    "interrupted": "bold yellow",
}

HOSTS = ("cyan", "green", "magenta", "yellow", "blue")
"""Of a log's lines, one after the other."""

QUIET = "dim"
STRONG = "bold"
BAD = "bold red"

VERDICTS = (("pass", "green"), ("warn", "bold yellow"), ("fail", BAD), ("not seen", QUIET))
"""Of `fab doctor`: a word, and its style."""


def text(words: str, style: str = "") -> Text:
    """Return a text to show: the one place where foreign words become the terminal's."""
    return Text(clean(words).expandtabs(8), style, overflow="fold")


def diff_line(line: str) -> Text:
    """Return a line of a unified diff in its colour."""
    if line.startswith(("---", "+++")):
        return text(line, STRONG)
    if line.startswith("@@"):
        return text(line, "cyan")
    return text(line, {"+": "green", "-": "red"}.get(line[:1], ""))
