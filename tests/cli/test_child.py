"""What a program that a command runs in its place hears of the command's end."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from provisioning.cli.child import run_to_its_end

ROOT = Path(__file__).resolve().parents[2]

_PROGRAM = """
import pathlib, signal, sys
def end(*_):
    pathlib.Path(sys.argv[1]).write_text("cleaned up")
    sys.exit(7)
signal.signal(signal.SIGINT, end)
print("ready", flush=True)
signal.pause()
"""

_COMMAND = """
import sys
from pathlib import Path
from provisioning.cli.child import run_to_its_end
sys.exit(run_to_its_end([sys.executable, "-c", *sys.argv[1:]], cwd=Path.cwd()))
"""


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_a_command_that_is_to_end_waits_until_its_program_has_cleaned_up(tmp_path: Path, sent):
    done = tmp_path / "done"
    command = subprocess.Popen(
        [sys.executable, "-c", _COMMAND, _PROGRAM, str(done)],
        cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        assert command.stdout is not None
        assert command.stdout.readline() == "ready\n"
        if sent is signal.SIGINT:
            os.killpg(command.pid, sent)  # as a terminal does
        else:
            command.send_signal(sent)
        assert command.wait(timeout=30) == 7
    finally:
        # Of what fails here nothing stays.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(command.pid, signal.SIGKILL)
        command.communicate()
    assert done.read_text() == "cleaned up"


def test_ctrl_c_at_the_moment_in_which_its_program_ends_loses_no_exit_code(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Popen has the code from the kernel, which gives it once, and has not kept it yet."""
    waitpid = os.waitpid

    def interrupted(*arguments: int) -> tuple[int, int]:
        found = waitpid(*arguments)
        os.kill(os.getpid(), signal.SIGINT)
        return found

    monkeypatch.setattr(os, "waitpid", interrupted)
    program = [sys.executable, "-c", "raise SystemExit(7)"]
    assert run_to_its_end(program, cwd=ROOT) == 7


def test_what_the_signals_did_before_they_do_again() -> None:
    before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    run_to_its_end(["true"], cwd=ROOT)
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == before
