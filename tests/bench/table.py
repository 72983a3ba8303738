"""A table of figures, for a terminal and for a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table as Drawn


@dataclass
class Table:
    """A title, the names of columns, and the lines that were added."""

    title: str
    columns: Sequence[str]
    lines: list[list[str]] = field(default_factory=list)

    def add(self, *cells: object) -> None:
        self.lines.append([str(cell) for cell in cells])

    def show(self, console: Console) -> None:
        drawn = Drawn(*self.columns, title=self.title)
        for line in self.lines:
            drawn.add_row(*line)
        console.print(drawn)

    def markdown(self) -> str:
        rows = [self.columns, ["---"] * len(self.columns), *self.lines]
        return "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n"
