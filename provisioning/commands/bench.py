"""`fab bench`: compare Homeport with ssh, a script and another tool, side by side in one run."""

from __future__ import annotations

from pathlib import Path

from provisioning.commands.suite import run_suite


def bench(root: Path, *, parts: str, latencies: str, rounds: int, markdown: str) -> int:
    """Measure in a process of its own.

    Args:
        root: The checkout.
        parts: What is compared, with commas between; "" for all.
        latencies: Round trips in milliseconds, with commas between; "" for the usual ones.
        rounds: How often each side runs; 0 for the usual number.
        markdown: File to write the tables to; "" for none.

    Returns:
        0, or what the suite ended with.
    """
    options = {"parts": parts, "latencies": latencies, "rounds": rounds, "markdown": markdown}
    chosen = (f"--{name}={value}" for name, value in options.items() if value)
    return run_suite(root, "bench", *chosen)
