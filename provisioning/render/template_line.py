"""A line of a template, as messages name it."""

from __future__ import annotations

from typing import NamedTuple


class TemplateLine(NamedTuple):
    """A line of a template, to which messages about a rendered file point."""

    name: str
    line: int

    def __str__(self) -> str:
        return f"templates/{self.name}:{self.line}"
