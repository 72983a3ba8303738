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
    with _interrupted_only_by_its_program() as program:
        process = subprocess.Popen(argv, cwd=cwd, env=env)
        program.append(process)
        code = process.wait()
        return code if code >= 0 else 128 - code


@contextmanager
def _interrupted_only_by_its_program() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Leave both signals to the program; it is to be put into the list."""
    program: list[subprocess.Popen[bytes]] = []

    def nothing(_signal: int, _frame: FrameType | None) -> None:
        """Go on waiting: an exception here could lose the code of a program that has ended."""

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        for each in program:
            each.send_signal(signal.SIGINT)

    before = {signal.SIGTERM: signal.signal(signal.SIGTERM, interrupt)}
    # A program gets back what Ctrl-C does by itself, but not if it was to be ignored.
    # Source: execve(2), on signals that are caught.
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        before[signal.SIGINT] = signal.signal(signal.SIGINT, nothing)
    try:
        yield program
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
