"""Walk apps that others wrote on real hosts, one after the other.

python -m tests.apps [--apps APP,...] [--suites SUITE,...]
python -m tests.apps --list     # what docs/apps.md says of them
"""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from provisioning.lab import Lab
from tests.apps.app import App
from tests.apps.listing import listing
from tests.apps.rows import APPS
from tests.apps.walk import Walk, Walked
from tests.choices import names_of
from tests.labs import lab_of_this_run
from tests.suites import BOTH


def main(argv: Sequence[str]) -> int:
    """Walk every app that was chosen; return 1 if anything was not as it must be."""
    options = _parse(argv)
    if options.list:
        print(listing(APPS), end="")
        return 0
    console = Console()
    seen: list[Walked] = []
    with lab_of_this_run() as lab, TemporaryDirectory(prefix="homeport-apps-") as directory:
        for suite in options.suites:
            for app in (each for each in APPS if each.name in options.apps):
                if suite not in app.suites:
                    continue
                console.print(f"{time.strftime('%H:%M:%S')} {app.name}, {suite}")
                place = Path(directory, f"app{len(seen)}")
                seen.append(_walked(lab, place, app, suite))
                for wrong in seen[-1].all_wrong():
                    console.print(f"  {wrong}", highlight=False, markup=False, soft_wrap=True)
    _show(seen, console)
    return int(not all(each.is_good for each in seen))


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.apps")
    names = tuple(app.name for app in APPS)
    for option, known in (("--apps", names), ("--suites", BOTH)):
        parser.add_argument(
            option, type=names_of(known), default=known, help=f"of {', '.join(known)}"
        )
    parser.add_argument("--list", action="store_true", help="what is changed by hand, for the docs")
    return parser.parse_args(argv)


def _walked(lab: Lab, place: Path, app: App, suite: str) -> Walked:
    """Walk one app, whatever goes wrong on the way."""
    try:
        walk = Walk(lab, place, app, suite)
        try:
            return walk.go()
        finally:
            walk.close()
    except Exception:
        return Walked(app.name, suite, wrong=traceback.format_exc())


def _show(seen: Sequence[Walked], console: Console) -> None:
    table = Table(
        "app", "Debian", "lines by hand", "changed again", "deploys", "rollbacks", "requests",
        "failed",
    )  # fmt: skip
    lines = {app.name: len(app.lines) for app in APPS}
    for each in seen:
        counts = (
            lines[each.app], len(each.changes), each.deploys, each.rollbacks, each.requests,
            len(each.failures),
        )  # fmt: skip
        table.add_row(each.app, each.suite, *map(str, counts), style="" if each.is_good else "red")
    console.print(table)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
