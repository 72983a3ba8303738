"""Programs that these commands run in their place."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


def run_to_its_end(argv: Sequence[str], *, cwd: Path, env: Mapping[str, str] | None = None) -> int:
    """Run a program; Ctrl-C, which it gets as we do, leaves it the time to clean up.

    Returns:
        Its exit code; 128 and the signal's number if it was killed by one.
    """
    with subprocess.Popen(argv, cwd=cwd, env=env) as process:
        while True:
            try:
                code = process.wait()
            except KeyboardInterrupt:
                continue
            return code if code >= 0 else 128 - code
