"""Run a program of this machine, and say clearly what failed."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence

from provisioning.errors import HomeportError

# Enough to show why a program failed, little enough to read.
_TAIL_LINES = 15


def call(
    argv: Sequence[str],
    *,
    purpose: str,
    stdin: str | bytes | None = None,
    env: Mapping[str, str] | None = None,
    hint: str = "",
) -> str:
    """Run a program to its end and return what it printed.

    Args:
        argv: The program and its arguments.
        purpose: What it is for, as it reads after "cannot".
        stdin: What it reads; None for nothing.
        env: Its whole environment; None for that of this process.
        hint: What a person could try when it fails.

    Raises:
        HomeportError: It is missing, or ended with another status than 0.
    """
    try:
        done = subprocess.run(
            list(argv),
            input=stdin.encode() if isinstance(stdin, str) else stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            env=env,
            check=False,
        )
    except FileNotFoundError:
        raise HomeportError(f"cannot {purpose}: {argv[0]} is not installed", hint=hint) from None
    if done.returncode != 0:
        raise HomeportError(
            f"cannot {purpose}: {argv[0]} ended with status {done.returncode}",
            hint=hint,
            output=tail((done.stderr or done.stdout).decode(errors="replace")),
        )
    return done.stdout.decode(errors="replace")


def call_bounded(
    argv: Sequence[str], *, stdin: str | None, timeout_s: float
) -> subprocess.CompletedProcess[str]:
    """Run a program that may hang, and end it with all its children when its time is up.

    Args:
        argv: The program and its arguments.
        stdin: What it reads; None for nothing.
        timeout_s: The time it has.

    Raises:
        subprocess.TimeoutExpired: It took longer.
    """
    with subprocess.Popen(
        list(argv),
        stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            stdout, stderr = process.communicate(stdin, timeout_s)
        except BaseException:
            # Programs that enter a host leave a child of theirs in there.
            os.killpg(process.pid, signal.SIGKILL)
            raise
    return subprocess.CompletedProcess(argv, process.returncode, stdout, stderr)


def tail(text: str, lines: int = _TAIL_LINES) -> str:
    """Return the last lines of a program's output."""
    return "\n".join(text.strip().splitlines()[-lines:])
