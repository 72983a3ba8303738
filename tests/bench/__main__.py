"""Measure on hosts of the lab, side by side in one run.

python -m tests.bench [--parts PART,...] [--latencies MS,...] [--rounds N] [--markdown FILE]
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from provisioning.lab import Lab
from tests.bench import deploy, noop
from tests.bench.table import Table
from tests.choices import names_of
from tests.labs import lab_of_this_run

Part = Callable[[Lab, Path, list[int], int], Iterator[Table]]

PARTS: dict[str, Part] = {"noop": noop.measure, "deploy": deploy.measure}
LATENCIES_MS = [0, 50, 150]
"""Of a round trip: the same machine, a host in another country, one on another continent."""

ROUNDS = 7


def main(argv: Sequence[str]) -> int:
    """Measure the parts that were chosen."""
    options = _parse(argv)
    console = Console()
    pages: list[str] = []
    with lab_of_this_run() as lab, TemporaryDirectory(prefix="homeport-bench-") as directory:
        for name in options.parts:
            console.print(f"{time.strftime('%H:%M:%S')} {name}")
            for table in PARTS[name](lab, Path(directory), options.latencies, options.rounds):
                table.show(console)
                pages.append(table.markdown())
    if options.markdown:
        Path(options.markdown).write_text("\n".join(pages))
    return 0


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument(
        "--parts", type=names_of(PARTS), default=list(PARTS), help=f"of {', '.join(PARTS)}"
    )
    parser.add_argument(
        "--latencies", type=_numbers, default=LATENCIES_MS, help="round trips in milliseconds"
    )
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often each side runs")
    parser.add_argument("--markdown", default="", help="write the tables to this file")
    options = parser.parse_args(argv)
    if "deploy" in options.parts and shutil.which("rsync") is None:
        parser.error("the script that deploys are compared with needs rsync: apt-get install rsync")
    return options


def _numbers(text: str) -> list[int]:
    try:
        return [int(each) for each in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"not numbers with commas between: {text}") from None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
