"""The table of what was tried and what became of it: for a terminal, and for the docs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from rich.console import Console
from rich.table import Table

from tests.chaos.row import Row

COLUMNS = (
    "fault", "state", "tried", "requests sent", "failed", "unavoidable", "converged", "left over",
)  # fmt: skip


def merged(rows: Iterable[Row], key: Callable[[Row], tuple[str, str]]) -> list[Row]:
    """Add up rows that are about the same.

    Args:
        rows: The rows, in any order.
        key: What a row is about: fault and state, as they are to be called.
    """
    found: dict[tuple[str, str], Row] = {}
    for row in rows:
        found.setdefault(key(row), Row(*key(row))).add(row)
    return sorted(found.values(), key=lambda row: (row.state.partition(":")[0], row.fault))


def by_state(rows: Iterable[Row]) -> list[Row]:
    """Return a row for each fault at each state."""
    return merged(rows, lambda row: (row.fault, row.state))


def by_command(rows: Iterable[Row]) -> list[Row]:
    """Return a row for each fault in each command."""
    return merged(rows, lambda row: (row.fault, row.state.partition(":")[0]))


def show(rows: Sequence[Row], console: Console) -> None:
    """Print the table, and below it whatever was wrong."""
    table = Table(*COLUMNS)
    for row in by_command(rows):
        table.add_row(*_cells(row), style="" if row.is_good else "red")
    console.print(table)
    for row in rows:
        for wrong in (*row.wrong, *(f"left over: {each}" for each in row.left_over)):
            console.print(f"[red]wrong[/]: {row.fault}, {row.state}:", highlight=False)
            console.print(f"  {wrong}", highlight=False, markup=False)
    total = by_command([Row("all", "all", **_sums(rows))])[0]
    console.print(
        f"{total.tried} faults, {total.converged} converged; {total.sent} requests, "
        f"{total.failed} failed, {total.excused} could not be answered"
    )


def markdown(rows: Sequence[Row]) -> str:
    """Return the table as docs/reliability.md has it."""
    lines = ["| " + " | ".join(COLUMNS) + " |", "|" + "---|" * len(COLUMNS)]
    lines += ["| " + " | ".join(_cells(row)) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _cells(row: Row) -> list[str]:
    return [
        row.fault, row.state, f"{row.tried:,}", f"{row.sent:,}", f"{row.failed:,}",
        f"{row.excused:,}", f"{row.converged:,}", f"{len(row.left_over):,}",
    ]  # fmt: skip


def _sums(rows: Sequence[Row]) -> dict[str, int]:
    return {
        name: sum(getattr(row, name) for row in rows)
        for name in ("tried", "sent", "failed", "excused", "converged")
    }
