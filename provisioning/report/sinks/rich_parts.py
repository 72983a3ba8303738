"""What stays on the terminal: lines for changes, blocks for failures, tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from provisioning.agent import events
from provisioning.report import summary
from provisioning.report.changes import FAILED, Words, took, words_for
from provisioning.report.host_report import HostReport
from provisioning.report.log_lines import ERROR, LogLine, about
from provisioning.report.names import readable_id
from provisioning.report.sanitize import clean_line, clean_lines
from provisioning.report.sinks.text_table import numeric_columns
from provisioning.report.styles import (
    BAD,
    OUTCOMES,
    QUIET,
    STRONG,
    SYMBOLS,
    VERDICTS,
    diff_line,
    text,
)

OUTPUT_LINES = 15
"""Of what a failed program printed; more would push the message off a small terminal."""


def line_of(host: str, width: int, symbol: str, words: Text) -> RenderableType:
    """Return a line of one host; a long text continues below its beginning.

    Args:
        host: The host's name.
        width: Of the column of names; 0: as wide as this one.
        symbol: One character.
        words: What there is to say.
    """
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(width=width or None, overflow="fold")
    grid.add_column(width=1)
    grid.add_column(overflow="fold")
    grid.add_row(text(host, QUIET), text(symbol, SYMBOLS.get(symbol, QUIET)), words)
    return grid


def change_block(
    host: str, width: int, finished: events.Finished, *, check: bool, diff: bool
) -> RenderableType:
    """Return the lines for a resource that was changed, or would be."""
    words = words_for(finished)
    line = line_of(host, width, words.symbol, _change(words, took(finished), check=check))
    if not diff or not finished.diffs:
        return line
    lines = (diff_line(each) for diff_text in finished.diffs for each in clean_lines(diff_text))
    return Group(line, Padding(Group(*lines), (0, 0, 0, 4)))


def _change(words: Words, seconds: str, *, check: bool) -> Text:
    details = words.would() if check else words.details
    shown = text(words.id)
    for each in filter(None, (details, seconds)):
        shown.append("  ").append_text(text(each, QUIET))
    return shown


def log_block(line: LogLine, width: int, colour: str) -> RenderableType:
    """Return a logged line, each line of its text after the host it comes from."""
    style = BAD if line.priority <= ERROR else ""
    shown = Text(overflow="fold")
    for number, each in enumerate(clean_lines(line.text) or [""]):
        shown.append("\n" * bool(number))
        shown.append_text(text(clean_line(line.host).ljust(width), colour))
        shown.append_text(text(f"  {about(line)}  ", QUIET)).append_text(text(each, style))
    return shown


def failure_block(
    host: str, width: int, failure: summary.Failure, resource: str = ""
) -> RenderableType:
    """Return the lines for a failure: the message, the program's output, and the hint."""
    first, *others = clean_lines(failure.message) or [""]
    body: list[RenderableType] = [text(line, STRONG) for line in (first, *others)]
    if resource:
        body.insert(0, text(readable_id(resource), BAD))
    for line in clean_lines(failure.output, OUTPUT_LINES):
        body.append(Padding(text(line), (0, 0, 0, 2)))
    if failure.hint:
        body.append(_hint(failure.hint))
    grid = Table.grid(padding=(0, 2, 0, 0))
    if host:
        grid.add_column(width=width or None, overflow="fold")
    grid.add_column(width=1)
    grid.add_column(overflow="fold")
    cells: list[RenderableType] = [text(FAILED, SYMBOLS[FAILED]), Group(*body)]
    grid.add_row(*([text(host, STRONG)] if host else []), *cells)
    return Group("", grid, "")


def _hint(hint: str) -> RenderableType:
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_row(text("try:", "bold cyan"), text(clean_line(hint)))
    return grid


def table_block(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    styles: Sequence[str] | None = None,
    *,
    narrow: bool = False,
    marks: bool = False,
) -> RenderableType:
    """Return a table. Heads may take two lines; no word of theirs is broken.

    Args:
        title: Above it; may be empty.
        columns: Their heads.
        rows: Cells.
        styles: Of the last cell of each row; default: that of the others.
        narrow: Leave one space between columns instead of two.
        marks: Cells that are verdicts get their colour.
    """
    gap = 1 if narrow else 2
    styles_of = dict(VERDICTS) if marks else {}
    table = Table(box=None, padding=(0, gap, 0, 0), pad_edge=False, header_style=QUIET)
    right = numeric_columns(columns, rows)
    # The first column names what people copy; with styles, the last one is a single word or two.
    whole = (0, len(columns) - 1) if styles else (0,)
    for index, (column, is_right) in enumerate(zip(columns, right, strict=True)):
        head = text(clean_line(column))
        table.add_column(
            head,
            justify="right" if is_right else "left",
            overflow="fold",
            no_wrap=index in whole,
        )
    for index, row in enumerate(rows):
        *cells, last = (text(clean_line(cell), styles_of.get(cell, "")) for cell in row)
        if styles:
            last.stylize(styles[index])
        table.add_row(*cells, last)
    return Group(text(clean_line(title), STRONG), table) if title else table


def summary_block(
    reports: Sequence[HostReport], conclusion: str, *, check: bool, narrow: bool
) -> Iterable[RenderableType]:
    """Yield the table of hosts, the causes of failures, and the last line."""
    if reports:
        rows = [summary.row(report, check=check) for report in reports]
        styles = [OUTCOMES[row[-1]] for row in rows]
        yield ""
        yield table_block("", summary.columns(check=check), rows, styles, narrow=narrow)
    if len(reports) > 1:
        for failure in summary.failures(reports):
            yield ""
            hosts = text(f"{summary.host_names(failure.hosts)}: ", BAD)
            yield hosts.append_text(text(failure.message))
            if failure.hint:
                yield Padding(_hint(failure.hint), (0, 0, 0, 2))
    last = clean_line(conclusion) or summary.conclusion(reports, check=check)
    if last:
        yield ""
        yield text(last, STRONG)
