"""A hook's command on the controller: followed line by line, and ended as a whole."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from provisioning.hooks.failure import HookFailedError
from provisioning.hooks.lines import Lines
from provisioning.hooks.process_tree import end_tree

READ_BYTES = 1 << 16
LOOK_UP_EVERY_S = 0.1
"""How soon its end is noticed when something that it has started holds its output open."""


ENDING = {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGTERM: signal.SIG_DFL,
    signal.SIGHUP: signal.SIG_DFL,
}
"""The signals that end us -> what handles them as long as nobody has asked for something else.
Source: signal(3) of Python, on the handlers that it installs."""


def run_program(
    command: str,
    *,
    directory: Path,
    environ: Mapping[str, str],
    timeout_s: float,
    say: Callable[[str], None],
) -> None:
    """Run a command line by `sh`, and end what it leaves behind.

    It is in a session of its own: it cannot ask at the terminal, and Ctrl-C comes to us.

    Args:
        command: The command line.
        directory: Where it runs.
        environ: All of its environment.
        timeout_s: In seconds; then it is ended, with all that it has started.
        say: Called with each line that it prints, as soon as it does.

    Raises:
        HookFailedError: it failed, cannot be run, or did not end in time.
    """
    lines = Lines(say)
    with _signals_raise() as may_raise, _started(command, directory, environ) as process:
        try:
            may_raise()
            in_time = _follow(process, lines, time.monotonic() + timeout_s)
        finally:
            end_tree(process)
    lines.end()
    if not in_time:
        raise HookFailedError(f"did not end within {timeout_s:.0f} s", lines.tail)
    if process.returncode:
        raise HookFailedError(_ending(process.returncode), lines.tail)


def _started(command: str, directory: Path, environ: Mapping[str, str]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            ["/bin/sh", "-c", command],
            cwd=directory,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        raise HookFailedError(f"cannot be run: {error.strerror}") from None


def _follow(process: subprocess.Popen[bytes], lines: Lines, deadline: float) -> bool:
    """Read until it has ended; return whether it has."""
    assert process.stdout is not None
    descriptor = process.stdout.fileno()
    is_open = True
    while process.poll() is None:
        if time.monotonic() > deadline:
            return False
        if not is_open:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(LOOK_UP_EVERY_S)
        elif select.select([descriptor], [], [], LOOK_UP_EVERY_S)[0]:
            data = os.read(descriptor, READ_BYTES)
            is_open = bool(data)
            lines.feed(data)
    # What is in the pipe was printed by then; what it has left behind may print for ever.
    end_tree(process)
    while is_open and select.select([descriptor], [], [], 0)[0]:
        data = os.read(descriptor, READ_BYTES)
        is_open = bool(data)
        lines.feed(data)
    return True


def _ending(status: int) -> str:
    if status > 0:
        return f"ended with exit status {status}"
    try:
        return f"was ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"was ended by signal {-status}"


@contextmanager
def _signals_raise() -> Iterator[Callable[[], None]]:
    """Let what ends us by default raise SystemExit, so that the hook does not outlive us.

    A signal that comes while the program is being started waits until the caller knows the process
    and calls what this yields: an exception before would leave a program that nobody ends.
    """
    waiting: list[int] = []
    is_started = False

    def handler(number: int, _frame: FrameType | None) -> None:
        if not is_started:
            waiting.append(number)
        elif number == signal.SIGINT:
            raise KeyboardInterrupt
        else:
            # Source: what a shell reports of a program that a signal ended.
            raise SystemExit(128 + number)

    def started() -> None:
        nonlocal is_started
        is_started = True
        for number in waiting:
            handler(number, None)

    if threading.current_thread() is not threading.main_thread():
        yield started
        return
    before = {
        number: was
        for number, default in ENDING.items()
        if (was := signal.getsignal(number)) is default
    }
    for number in before:
        signal.signal(number, handler)
    try:
        yield started
    finally:
        for number, was in before.items():
            signal.signal(number, was)
