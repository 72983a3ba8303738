"""Suites that need a checkout of Homeport itself and real hosts."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from provisioning.cli.child import run_to_its_end
from provisioning.errors import ConfigurationError


def run_suite(root: Path, name: str, *arguments: str) -> int:
    """Run the suite of that name below tests/, in a process of its own.

    Args:
        root: The checkout.
        name: Of the suite, and of its command.
        arguments: For the suite.

    Returns:
        Its exit code.

    Raises:
        ConfigurationError: this is no checkout, or no machine for hosts of the lab.
    """
    if not (root / "tests" / name).is_dir():
        raise ConfigurationError(
            f"fab {name} is for a checkout of Homeport itself",
            hint="its tests are not part of the package",
        )
    if sys.platform != "linux" or os.geteuid() != 0:
        raise ConfigurationError(f"fab {name} needs root on Linux", hint="its hosts are real")
    return run_to_its_end([sys.executable, "-m", f"tests.{name}", *arguments], cwd=root)
