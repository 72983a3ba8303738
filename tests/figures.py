"""Figures about the source of Homeport: `python -m tests.figures`.

Lines of a function are those of its code: without its docstring, comments and empty lines.
"""

from __future__ import annotations

import ast
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "provisioning"


@dataclass(frozen=True)
class Figures:
    """What is counted.

    Args:
        files, lines: Of the package.
        median_file: Lines.
        at_root: Python files beside the folders.
        functions: How many there are.
        percentile_90: Lines of code that nine of ten functions do not exceed.
        longest: Lines of code, file and name of the longest functions, the longest first.
    """

    files: int
    lines: int
    median_file: float
    at_root: int
    functions: int
    percentile_90: float
    longest: tuple[tuple[int, str], ...]


def figures(package: Path = PACKAGE) -> Figures:
    """Count."""
    texts = {path: path.read_text() for path in sorted(package.rglob("*.py"))}
    lines = [text.count("\n") for text in texts.values()]
    lengths = sorted(
        (
            (length, f"{path.relative_to(package)}:{name}")
            for path, text in texts.items()
            for name, length in _functions(text)
        ),
        reverse=True,
    )
    return Figures(
        files=len(texts),
        lines=sum(lines),
        median_file=statistics.median(lines),
        at_root=len(list(package.glob("*.py"))),
        functions=len(lengths),
        percentile_90=statistics.quantiles([length for length, _ in lengths], n=10)[-1],
        longest=tuple(lengths[:5]),
    )


def _functions(text: str) -> Iterator[tuple[str, int]]:
    source = text.splitlines()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0].lineno
            if ast.get_docstring(node, clean=False) is not None:
                first = (node.body[0].end_lineno or first) + 1
            body = source[first - 1 : node.end_lineno]
            code = [line for line in body if line.strip() and not line.lstrip().startswith("#")]
            yield node.name, len(code)


if __name__ == "__main__":
    for name, value in vars(figures()).items():
        print(f"{name:14} {value}")
