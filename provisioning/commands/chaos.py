"""`fab chaos`: break real hosts on purpose, in a checkout of Homeport itself."""

from __future__ import annotations

from pathlib import Path

from provisioning.commands.suite import run_suite


def chaos(
    root: Path,
    *,
    large: bool,
    only: str,
    faults: str,
    seed: int,
    minutes: int,
    parallel: int,
    markdown: str,
) -> int:
    """Run the suite that breaks things, in a process of its own.

    Args:
        root: The checkout.
        large: Every fault at every boundary, in place of a few of each.
        only: Parts of the suite, with commas between; "" for all.
        faults: Those of a live host, or services, that are tried, with commas between; "" for all.
        seed: The same seed breaks the same things in the same order.
        minutes: After which each part ends; 0 for never.
        parallel: How many parts run at the same time.
        markdown: File to write the tables to; "" for none.

    Returns:
        0 if everything was as it must be, 1 if not, 2 for an unknown part or fault.
    """
    return run_suite(
        root, "chaos", f"--seed={seed}", f"--minutes={minutes}", f"--parallel={parallel}",
        f"--only={only}", f"--faults={faults}", f"--markdown={markdown}", *["--large"] * large,
    )  # fmt: skip
