"""Tables as aligned text."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence


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


def _width(text: str) -> int:
    """Return how many columns a text takes on a terminal. Source: Unicode Standard Annex 11."""
    return sum(
        0 if unicodedata.combining(each) else 2 if unicodedata.east_asian_width(each) in "WF" else 1
        for each in text
    )
