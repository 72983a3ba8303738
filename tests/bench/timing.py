"""Run what is compared in turn, A B A B, and say by ratios how they compare.

Figures of one side alone mean little on a machine that others use as well: what disturbs one of
two that follow each other disturbs the other.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Spent:
    """What one run took.

    Args:
        seconds: From its start to its end.
        cpu_s: Of its own process and those that it waited for, on this machine, in seconds.
        answers_s: Until the new release answered; None where nothing is deployed.
    """

    seconds: float
    cpu_s: float
    answers_s: float | None = None


Side = Callable[[], Spent]

UNWANTED = ("PYTHONDONTWRITEBYTECODE",)
"""Variables that are left out: without cached bytecode, Python compiles everything each time."""


def spend(argv: Sequence[str], directory: Path, environ: Mapping[str, str]) -> Spent:
    """Run a program to its end, silently.

    Raises:
        AssertionError: it failed; with what it printed.
    """
    kept = {name: value for name, value in environ.items() if name not in UNWANTED}
    with (directory / ".bench-output").open("w+") as output:
        began = time.monotonic()
        process = subprocess.Popen(
            argv, cwd=directory, env=kept, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        assert process.returncode == 0, f"{argv}: {process.returncode}\n{output.read()[-3000:]}"
    return Spent(seconds, used.ru_utime + used.ru_stime)


def alternate(sides: Mapping[str, Side], rounds: int) -> dict[str, list[Spent]]:
    """Run all sides in turn, so many times; once before that, which does not count."""
    spent: dict[str, list[Spent]] = {name: [] for name in sides}
    for number in range(rounds + 1):
        for name, side in sides.items():
            result = side()
            if number:
                spent[name].append(result)
    return spent


@dataclass(frozen=True)
class Ratio:
    """How a side compares with another, over the rounds of one run."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float], others: Sequence[float]) -> Ratio:
        """Compare what was measured right after each other."""
        ratios = [value / other for value, other in zip(values, others, strict=True)]
        return cls(statistics.median(ratios), min(ratios), max(ratios))

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.least:.2f} to {self.most:.2f})"
