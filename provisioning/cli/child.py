"""Programs that these commands run in their place."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType


def run_to_its_end(argv: Sequence[str], *, cwd: Path, env: Mapping[str, str] | None = None) -> int:
    """Run a program, and leave it the time to clean up when this command is to end.

    A terminal sends Ctrl-C to both of them. SIGTERM reaches this process alone: the program gets
    it as Ctrl-C.

    Returns:
        Its exit code; 128 and the signal's number if it was killed by one.
    """
    with subprocess.Popen(argv, cwd=cwd, env=env) as process, _terminated_as_interrupted(process):
        while True:
            try:
                code = process.wait()
            except KeyboardInterrupt:
                continue
            return code if code >= 0 else 128 - code


@contextmanager
def _terminated_as_interrupted(process: subprocess.Popen[bytes]) -> Iterator[None]:
    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        process.send_signal(signal.SIGINT)

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
