"""Try the grid on real hosts, one cell after the other.

python -m tests.grid [--rows ROW,...] [--suites SUITE,...] [--web-servers NAME,...]
                     [--markdown FILE]
"""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from provisioning.lab import Lab
from tests.choices import names_of
from tests.grid.cell import Cell
from tests.grid.result import Result, markdown, show
from tests.grid.rows import ROWS, Row, web_servers
from tests.labs import lab_of_this_run
from tests.suites import BOTH

WAYS = "ways"
"""What `--rows` calls the rollbacks from each server to each other one."""

Try = Callable[[Cell], Result]


def main(argv: Sequence[str]) -> int:
    """Try every cell that was chosen; return 1 if anything was not as it must be."""
    options = _parse(argv)
    console = Console()
    results: list[Result] = []
    with lab_of_this_run() as lab, TemporaryDirectory(prefix="homeport-grid-") as directory:
        for name, web_server, suite, attempt in _cells(options):
            console.print(f"{time.strftime('%H:%M:%S')} {name}, {web_server}, {suite}")
            place = Path(directory, f"cell{len(results)}")
            result = _try(lab, place, web_server, suite, attempt, name)
            results.append(result)
            if not result.is_good:
                console.print(f"  wrong: {result.wrong}", highlight=False, markup=False)
    show(results, console)
    if options.markdown:
        Path(options.markdown).write_text(markdown(results))
    return int(not all(each.is_good for each in results))


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.grid")
    rows = (*(row.name for row in ROWS), WAYS)
    for option, known in (("--rows", rows), ("--suites", BOTH), ("--web-servers", web_servers())):
        parser.add_argument(
            option, type=names_of(known), default=known, help=f"of {', '.join(known)}"
        )
    parser.add_argument("--markdown", default="", help="write the table to this file")
    return parser.parse_args(argv)


def _cells(options: argparse.Namespace) -> Iterator[tuple[str, str, str, Try]]:
    """Yield what is tried, behind which web server, on which Debian, and how."""
    rows = [row for row in ROWS if row.name in options.rows]
    for suite in options.suites:
        for web_server in options.web_servers:
            for row in rows:
                yield row.name, web_server, suite, _server(row)
            if WAYS in options.rows:
                yield WAYS, web_server, suite, lambda cell: cell.try_ways(ROWS)


def _server(row: Row) -> Try:
    return lambda cell: cell.try_server(row)


def _try(lab: Lab, place: Path, web_server: str, suite: str, attempt: Try, name: str) -> Result:
    """Try one cell, whatever goes wrong in it."""
    try:
        cell = Cell(lab, place, web_server, suite)
        try:
            return attempt(cell)
        finally:
            cell.close()
    except Exception:
        return Result(name, web_server, suite, wrong=[traceback.format_exc()])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
