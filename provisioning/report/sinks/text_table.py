"""Tables as aligned text."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence

GAP = 2
"""Spaces between two columns."""


def is_number(cell: str) -> bool:
    """Return whether a cell belongs to the right edge of its column."""
    return cell == "-" or cell.replace(".", "", 1).isdecimal()


def numeric_columns(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[bool]:
    """Return, for each column, whether it holds nothing but numbers."""
    return [
        any(row[index] != "-" for row in rows) and all(is_number(row[index]) for row in rows)
        for index in range(len(columns))
    ]


def aligned(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield a table's lines, its head first; two spaces between columns."""
    right = numeric_columns(columns, rows)
    table = [columns, *rows]
    widths = [max(_width(row[index]) for row in table) for index in range(len(columns))]
    for row in table:
        cells = (
            " " * (width - _width(cell)) + cell if is_right else cell + " " * (width - _width(cell))
            for cell, width, is_right in zip(row, widths, right, strict=True)
        )
        yield "  ".join(cells).rstrip()


Part = tuple[list[str], list[list[str]]]
"""Heads and rows."""


def table_parts(
    columns: Sequence[str], rows: Sequence[Sequence[str]], keys: int, width: int
) -> list[Part]:
    """Return a table, or as many parts of it side by side as fit into a width.

    Args:
        columns: Heads.
        rows: Cells.
        keys: How many columns each part begins with; 0 leaves the table as it is.
        width: In columns of the terminal. A single column that is wider gets a part alone.
    """
    if not keys:
        return [(list(columns), [list(row) for row in rows])]
    table = [columns, *rows]
    widths = [max(_width(row[index]) for row in table) for index in range(len(columns))]
    parts: list[list[int]] = []
    for index in range(keys, len(columns)):
        longer = [*(parts[-1] if parts else range(keys)), index]
        if parts and sum(widths[each] + GAP for each in longer) - GAP <= width:
            parts[-1] = longer
        else:
            parts.append([*range(keys), index])
    return [
        ([columns[index] for index in part], [[row[index] for index in part] for row in rows])
        for part in parts
    ]


def _width(text: str) -> int:
    """Return how many columns a text takes on a terminal. Source: Unicode Standard Annex 11."""
    return sum(
        0 if unicodedata.combining(each) else 2 if unicodedata.east_asian_width(each) in "WF" else 1
        for each in text
    )
