"""How a command ends: one clear message and an exit code, whatever happened."""

from __future__ import annotations

import os
import platform
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from invoke.exceptions import Exit, UnexpectedExit

from provisioning.errors import HomeportError, InterruptedRunError
from provisioning.secrets import REDACTOR

BUG_EXIT_CODE = 1
# Source: what a shell reports of a program that SIGPIPE ended: 128 + 13.
BROKEN_PIPE_EXIT_CODE = 141
KEPT_REPORTS = 20


@contextmanager
def clean_ending() -> Iterator[None]:
    """Turn whatever ends the block into what `fab` prints without a traceback.

    HOMEPORT_DEBUG=1 in the environment shows the traceback besides.

    Raises:
        Exit: The block failed; with the message and the exit code.
    """
    try:
        yield
    except (Exit, UnexpectedExit):
        raise
    except HomeportError as error:
        _show_traceback_if_asked()
        raise Exit(f"error: {REDACTOR.redact(str(error))}", error.exit_code) from error
    except KeyboardInterrupt as error:
        _show_traceback_if_asked()
        raise Exit("interrupted", InterruptedRunError.exit_code) from error
    except BrokenPipeError as error:
        # Whoever read our output (`| head`) has seen enough. Python would complain once
        # more when it flushes at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise Exit(None, BROKEN_PIPE_EXIT_CODE) from error
    except Exception as error:
        _show_traceback_if_asked()
        raise Exit(_bug(error), BUG_EXIT_CODE) from error


def _show_traceback_if_asked() -> None:
    if os.environ.get("HOMEPORT_DEBUG", "") not in ("", "0"):
        sys.stderr.write(REDACTOR.redact(traceback.format_exc()))


def _bug(error: Exception) -> str:
    """Return the message for an error that nobody foresaw, and save its traceback."""
    what = REDACTOR.redact("".join(traceback.format_exception_only(error)).strip().splitlines()[-1])
    try:
        hint = (
            f"report it and attach {_save_report()}, which has the traceback; HOMEPORT_DEBUG=1 "
            "shows it here"
        )
    except OSError as failure:
        hint = f"HOMEPORT_DEBUG=1 shows the traceback; a report could not be saved ({failure})"
    return f"error: this is a bug in Homeport: {what}\n  try: {hint}"


def _save_report() -> Path:
    """Write the traceback into a file that only its owner can read, and return its path.

    Source: XDG Base Directory Specification, XDG_STATE_HOME.
    """
    state = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    folder = Path(state).expanduser() / "homeport"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for old in sorted(folder.glob("bug-*.txt"))[: -KEPT_REPORTS + 1]:
        old.unlink(missing_ok=True)
    path = folder / f"bug-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.txt"
    text = REDACTOR.redact(
        f"{' '.join(sys.argv)}\nPython {platform.python_version()} on {platform.platform()}\n\n"
        f"{traceback.format_exc()}"
    )
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    return path
