"""Commands on the controller: real processes, and nothing of them left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from provisioning.hooks.failure import HookFailedError
from provisioning.hooks.program import run_program
from provisioning.secrets import Secret

PATIENCE_S = 60


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    try:
        # A zombie, where nobody reaps orphans, is dead enough.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def pids_in(directory: Path) -> list[int]:
    return [int(path.name.removeprefix("pid-")) for path in directory.glob("pid-*")]


def run(command: str, directory: Path, *, timeout_s: float = PATIENCE_S, **env: str) -> list[str]:
    said: list[str] = []
    environ = {"PATH": os.environ["PATH"], **env}
    run_program(command, directory=directory, environ=environ, timeout_s=timeout_s, say=said.append)
    return said


def failure_of(
    command: str, directory: Path, *, timeout_s: float = PATIENCE_S
) -> tuple[HookFailedError, list[str]]:
    said: list[str] = []
    with pytest.raises(HookFailedError) as caught:
        run_program(
            command,
            directory=directory,
            environ={"PATH": os.environ["PATH"]},
            timeout_s=timeout_s,
            say=said.append,
        )
    return caught.value, said


def test_it_is_a_line_for_sh_in_the_source_with_just_the_environment_given(tmp_path: Path):
    (tmp_path / "build.sh").write_text("#!/bin/sh\necho built $1\n")
    (tmp_path / "build.sh").chmod(0o755)
    said = run("./build.sh $HOMEPORT_APP && pwd >&2; env | grep -c ^HOMEPORT_", tmp_path,
               HOMEPORT_APP="hello")  # fmt: skip
    assert said == ["built hello", str(tmp_path), "1"]


def test_it_can_ask_nobody(tmp_path: Path):
    assert run("cat; test -t 0 || echo no terminal", tmp_path) == ["no terminal"]
    # Nor by the terminal's own name: it is in a session without one.
    assert run("(: < /dev/tty) 2>&- || echo none", tmp_path) == ["none"]


def test_a_line_is_said_as_soon_as_it_is_printed(tmp_path: Path):
    said: list[str] = []

    def say(line: str) -> None:
        said.append(line)
        if line == "first":
            (tmp_path / "heard").touch()

    run_program(
        "echo first; until test -e heard; do sleep 0.02; done; echo second",
        directory=tmp_path,
        environ=dict(os.environ),
        timeout_s=PATIENCE_S,
        say=say,
    )
    assert said == ["first", "second"]


def test_what_is_printed_can_be_shown_whatever_it_is(tmp_path: Path):
    said = run(
        r"printf 'caf\303\251 \377\n10%%\r20%%\rdone\r\n\nlast'; "
        "printf '\\n'; head -c 300000 /dev/zero | tr '\\0' x",
        tmp_path,
    )
    assert said[:4] == ["café \ufffd", "done", "", "last"]
    assert len(said) == 5
    assert len(said[4]) == 2000
    assert said[4].endswith("xxx...")


def test_a_secret_is_masked_before_a_line_is_cut(tmp_path: Path):
    Secret("half-of-this-canary")
    said = run("head -c 1990 /dev/zero | tr '\\0' x; echo half-of-this-canary and on", tmp_path)
    assert "half-of" not in said[0]


def test_a_failure_tells_the_status_and_the_last_lines(tmp_path: Path):
    error, said = failure_of("seq 30; echo no such page >&2; exit 3", tmp_path)
    assert error.reason == "ended with exit status 3"
    assert len(said) == 31
    assert error.output.splitlines() == [*map(str, range(22, 31)), "no such page"]


def test_a_program_that_is_not_there_is_named(tmp_path: Path):
    error, said = failure_of("no-such-program --build", tmp_path)
    assert error.reason == "ended with exit status 127"
    assert "no-such-program" in said[0]


def test_a_program_that_is_killed_is_said_to_be(tmp_path: Path):
    error, _ = failure_of("kill -KILL $$", tmp_path)
    assert error.reason == "was ended by SIGKILL"


def test_a_folder_that_is_gone_is_a_failure_like_others(tmp_path: Path):
    error, _ = failure_of("true", tmp_path / "gone")
    assert error.reason == "cannot be run: No such file or directory"


STUBBORN = (
    "trap '' TERM; touch pid-$$; setsid sh -c 'trap \"\" TERM; touch pid-$$; "
    "while :; do sleep 0.1; done' & while :; do sleep 0.1; done"
)
"""It does not end when asked, and a child of it has left its process group."""


@pytest.mark.skipif(sys.platform != "linux", reason="children that leave are found by /proc")
def test_what_hangs_is_ended_with_all_that_it_has_started(tmp_path: Path):
    error, _ = failure_of(f"echo begun; {STUBBORN}", tmp_path, timeout_s=2)
    assert error.reason == "did not end within 2 s"
    assert error.output == "begun"
    pids = pids_in(tmp_path)
    assert len(pids) == 2
    wait_for(lambda: not any(map(is_alive, pids)))


def test_what_prints_without_end_is_ended_too(tmp_path: Path):
    error, said = failure_of("yes", tmp_path, timeout_s=1)
    assert error.reason == "did not end within 1 s"
    assert set(said) <= {"y", ""}


def test_what_it_leaves_behind_neither_holds_us_up_nor_stays(tmp_path: Path):
    # It holds the output open, and prints on.
    said = run("sh -c 'touch pid-$$; while :; do echo more; done' & "
               "until ls pid-* 2>&-; do sleep 0.02; done", tmp_path)  # fmt: skip
    assert any(line.startswith("pid-") for line in said)
    (pid,) = pids_in(tmp_path)
    wait_for(lambda: not is_alive(pid))


def test_output_that_is_closed_early_is_not_the_end(tmp_path: Path):
    assert run("exec >&- 2>&-; sleep 0.3; touch done", tmp_path) == []
    assert (tmp_path / "done").exists()


PROGRAM = """\
import os, sys
from pathlib import Path
from typing import Any
from provisioning.hooks.program import run_program
run_program(sys.argv[1], directory=Path("."), environ=os.environ, timeout_s=600, say=print)
"""


def _as_at_a_terminal() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


@pytest.mark.skipif(sys.platform != "linux", reason="children that leave are found by /proc")
@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, -2), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_it_does_not_outlive_us(tmp_path: Path, number: int, status: int):
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, STUBBORN],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        # However the tests were started (in the background, under nohup), signals mean what they
        # do at a terminal.
        preexec_fn=_as_at_a_terminal,
    )
    try:
        wait_for(lambda: len(pids_in(tmp_path)) == 2)
        process.send_signal(number)
        process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == status
    pids = pids_in(tmp_path)
    wait_for(lambda: not any(map(is_alive, pids)))


@pytest.mark.parametrize(
    ("number", "error"),
    [
        (signal.SIGINT, KeyboardInterrupt),
        (signal.SIGTERM, SystemExit),
        (signal.SIGHUP, SystemExit),
    ],
)
def test_a_signal_while_it_is_being_started_ends_it_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals, error: type
):
    start = subprocess.Popen
    pids: list[int] = []

    def start_and_be_told(*arguments: Any, **options: Any) -> subprocess.Popen[bytes]:
        process = start(*arguments, **options)
        pids.append(process.pid)
        os.kill(os.getpid(), number)
        return process

    monkeypatch.setattr(subprocess, "Popen", start_and_be_told)
    before = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGHUP)}
    for each in before:
        signal.signal(each, signal.SIG_DFL)
    try:
        with pytest.raises(error):
            run("sleep 600", tmp_path)
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
    assert not is_alive(pids[0])
