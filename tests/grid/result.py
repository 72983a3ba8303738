"""What was seen in a cell of the grid, and the table of all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table

COLUMNS = (
    "app server", "web server", "Debian", "changed again", "deploys", "rollbacks", "refused",
    "requests", "failed",
)  # fmt: skip


@dataclass
class Result:
    """A cell of the grid.

    Args:
        row: The app server, or the way between two.
        web_server: The web server.
        suite: The Debian.
        changes: Ids of what a second provision has changed.
        deploys, rollbacks: How many there were, all of them under load.
        refused: How many bad releases were refused, with the app's own words.
        requests, failed: Of visitors meanwhile.
        wrong: What was not as it must be, in words. Empty is good.
    """

    row: str
    web_server: str
    suite: str
    changes: list[str] = field(default_factory=list)
    deploys: int = 0
    rollbacks: int = 0
    refused: int = 0
    requests: int = 0
    failed: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """Whether everything was as it must be."""
        return not (self.changes or self.failed or self.wrong) and bool(self.requests)

    def cells(self) -> list[str]:
        """Return a line of the table."""
        counts = (len(self.changes), self.deploys, self.rollbacks, self.refused)
        return [
            self.row, self.web_server, self.suite, *map(str, counts),
            f"{self.requests:,}", f"{self.failed:,}",
        ]  # fmt: skip


def show(results: Sequence[Result], console: Console) -> None:
    """Print the table, and below it whatever was wrong."""
    table = Table(*COLUMNS)
    for each in results:
        table.add_row(*each.cells(), style="" if each.is_good else "red")
    console.print(table)
    for each in results:
        for wrong in (*each.wrong, *(f"changed again: {change}" for change in each.changes)):
            console.print(f"[red]wrong[/]: {each.row}, {each.web_server}, {each.suite}:")
            console.print(f"  {wrong}", highlight=False, markup=False)


def markdown(results: Sequence[Result]) -> str:
    """Return the table as docs/numbers.md has it."""
    lines = ["| " + " | ".join(COLUMNS) + " |", "|" + "---|" * len(COLUMNS)]
    lines += ["| " + " | ".join(each.cells()) + " |" for each in results]
    return "\n".join(lines) + "\n"
