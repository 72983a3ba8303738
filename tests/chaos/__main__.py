"""`fab chaos`: break real hosts on purpose, and see that nothing is lost.

python -m tests.chaos [--large] [--only PART,...] [--faults FAULT,...] [--seed N] [--markdown FILE]
"""

from __future__ import annotations

import argparse
import math
import random
import shutil
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

from rich.console import Console

from provisioning.errors import InterruptedRunError
from provisioning.lab import Lab
from tests.chaos.faults import CHILD, FAULTS, SERVER, WEB_SERVER
from tests.chaos.parts import LARGE, SMALL, Part
from tests.chaos.row import Row
from tests.chaos.scene import Scene
from tests.chaos.services import SERVICES
from tests.chaos.table import by_command, by_state, markdown, show


def main(argv: Sequence[str]) -> int:
    """Run the suite; return 1 if anything was not as it must be.

    Ctrl-C ends it at what is being tried, which is not counted, and shows what came before.
    """
    options = _parse(argv)
    console = Console()
    parts = dict(LARGE if options.large else SMALL)
    chosen = options.only or list(parts)
    for what, said, known in (
        ("part", chosen, list(parts)),
        (
            "fault",
            options.faults,
            [each.name for each in (*FAULTS, SERVER, CHILD, WEB_SERVER, *SERVICES)],
        ),
    ):
        if unknown := [each for each in said if each not in known]:
            console.print(f"there is no {what} {', '.join(unknown)}; there are: {', '.join(known)}")
            return 2
    console.print(f"seed {options.seed}: with it, the same is broken in the same order")
    stopping = threading.Event()
    with ThreadPoolExecutor(options.parallel) as pool:
        runs = [pool.submit(_run, name, parts[name], options, console, stopping) for name in chosen]
        try:
            wait(runs)
        except KeyboardInterrupt:
            stopping.set()
            console.print("ending: the labs are taken down")
    rows = [row for run in runs for row in run.result()]
    show(rows, console)
    if options.markdown:
        text = markdown(by_command(rows)) + "\n" + markdown(by_state(rows))
        Path(options.markdown).write_text(text)
    if stopping.is_set():
        return InterruptedRunError.exit_code
    return int(not all(row.is_good for row in rows))


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="fab chaos")
    parser.add_argument("--large", action="store_true", help="every fault at every boundary")
    parser.add_argument("--only", type=_names, default="", help="parts, separated by commas")
    parser.add_argument(
        "--faults",
        type=_names,
        default="",
        help="of a live host or of services, separated by commas",
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--minutes", type=float, default=0, help="end each part after this many minutes"
    )
    parser.add_argument("--parallel", type=int, default=2, help="parts at the same time")
    parser.add_argument("--markdown", default="", help="write the tables to this file")
    return parser.parse_args(argv)


def _names(text: str) -> list[str]:
    return [name for name in text.split(",") if name]


def _run(
    name: str,
    part: Part,
    options: argparse.Namespace,
    console: Console,
    stopping: threading.Event,
) -> list[Row]:
    """Run one part, in a lab of its own: names lead to one host each in there."""

    def say(text: str) -> None:
        console.print(f"{time.strftime('%H:%M:%S')} {text}", highlight=False, markup=False)

    until = time.monotonic() + options.minutes * 60 if options.minutes else math.inf
    rows: list[Row] = []
    if stopping.is_set():
        return rows
    directory = Path(tempfile.mkdtemp(prefix="homeport-chaos-"))
    lab = Lab.create(directory / "lab")
    try:
        lab.up([])
        projects = directory / "projects"
        projects.mkdir()
        chance = random.Random(f"{options.seed} {name}")
        for row in part(Scene(lab, projects, chance, say, options.faults)):
            if stopping.is_set():
                break
            if not row.is_good:
                say(f"WRONG: {row.fault}, {row.state}: {[*row.wrong, *row.left_over]}")
            rows.append(row)
            if time.monotonic() > until:
                say(f"{name}: its {options.minutes:g} minutes are over")
                break
    except Exception:
        if not stopping.is_set():
            rows.append(Row(name, name, 1, wrong=[traceback.format_exc()]))
    finally:
        lab.down()
        shutil.rmtree(directory, ignore_errors=True)
    return rows


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
