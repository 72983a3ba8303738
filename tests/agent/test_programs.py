"""Programs on the host: what happens while they run."""

from __future__ import annotations

import time
import tracemalloc
from pathlib import Path

import pytest

from provisioning.agent import layout
from provisioning.agent.debian import apt_get
from provisioning.agent.errors import AgentError
from provisioning.agent.machine import programs
from provisioning.agent.machine.system import System

WAITS_FOR_A_LINE = "cat > input; while ! test -e over; do sleep 0.01; done; cat input; echo end"
"""Goes on only when it was looked at meanwhile."""


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "MEANWHILE_EVERY_S", 0.02)
    monkeypatch.setattr(apt_get, "TELL_EVERY_S", 0.0)


def test_something_is_done_while_a_program_runs_and_nothing_is_lost(tmp_path: Path) -> None:
    done = programs.run(
        ["sh", "-c", WAITS_FOR_A_LINE],
        input=b"begin\n",
        cwd=str(tmp_path),
        meanwhile=lambda: (tmp_path / "over").touch(),
    )
    assert (done.status, done.stdout) == (0, "begin\nend\n")


def test_a_program_that_takes_too_long_is_ended_whatever_is_done_meanwhile() -> None:
    asked = []
    with pytest.raises(AgentError, match="did not end within 0 s") as caught:
        programs.run(
            ["sh", "-c", "echo words; exec sleep 600"],
            timeout_s=0.3,
            meanwhile=lambda: asked.append(1),
        )
    assert asked
    assert caught.value.output == "words\n"


def test_a_person_is_told_the_last_whole_line_of_what_takes_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layout, "RUNTIME", str(tmp_path))
    said: list[str] = []

    def say(text: str) -> None:
        said.append(text)
        (tmp_path / f"heard{len(said)}").touch()

    script = (
        'heard() { while ! test -e "$1"; do sleep 0.01; done; }; cd "$1"; '
        "echo Get:1 first; echo; heard heard1; echo Get:2 second; printf Unfin; heard heard2"
    )
    done = apt_get.detached(System(say), ["sh", "-c", script, "sh", str(tmp_path)])
    assert said == ["sh: Get:1 first", "sh: Get:2 second"]
    assert done.stdout == "Get:1 first\n\nGet:2 second\nUnfin"


def test_that_the_disk_is_full_is_not_lost_among_what_dpkg_makes_of_it() -> None:
    lines = ["py3compile: [Errno 28] No space left on device", "Setting up a", "dpkg: error a"]
    done = programs.Completed(2, "\n".join([*lines, *["E: b"] * 9]), "")
    assert apt_get.errors(done).splitlines() == [lines[0], *["E: b"] * 6]


def test_of_a_program_that_prints_without_end_the_end_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(programs, "KEPT_BYTES", 200_000)
    script = "head -c 300000000 /dev/zero | tr '\\0' x; echo the end; echo trouble >&2"
    tracemalloc.start()
    try:
        done = programs.run(["sh", "-c", script])
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    first, last = done.stdout.split("\n", 1)
    dropped = int(first.split()[0].lstrip("("))
    assert first.endswith(" bytes before this are left out)")
    assert dropped + len(last) == 300_000_000 + len("the end\n")
    assert len(last) == 200_000
    assert last.endswith("xthe end\n")
    assert done.stderr == "trouble\n"
    assert len(done.tail) <= programs.OUTPUT_CHARS
    assert most < 2_000_000


def test_a_program_that_prints_all_the_time_is_looked_after_and_ended_in_time() -> None:
    asked = []
    with pytest.raises(AgentError, match="yes did not end within 0 s") as caught:
        programs.run(["yes"], timeout_s=0.4, meanwhile=lambda: asked.append(1))
    assert len(asked) > 1
    assert caught.value.output.endswith("y\ny\n")
    assert len(caught.value.output) == 4000


def test_what_a_program_has_started_is_ended_with_it_also_in_another_session(
    tmp_path: Path,
) -> None:
    script = (
        "setsid sh -c 'echo $$ > pid; sleep 600' & while ! test -s pid; do sleep 0.01; done; wait"
    )
    with pytest.raises(AgentError, match="did not end"):
        programs.run(["sh", "-c", script], cwd=str(tmp_path), timeout_s=1)
    pid = (tmp_path / "pid").read_text().strip()
    deadline = time.monotonic() + 10
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < deadline, "it goes on"
        time.sleep(0.01)


def test_a_program_whose_output_ends_before_it_does_is_waited_for() -> None:
    asked = []
    done = programs.run(
        ["sh", "-c", "exec >&- 2>&-; sleep 0.1; exit 3"], meanwhile=lambda: asked.append(1)
    )
    assert (done.status, done.stdout, bool(asked)) == (3, "", True)
    with pytest.raises(AgentError, match="did not end"):
        programs.run(["sh", "-c", "exec >&- 2>&-; sleep 600"], timeout_s=0.1)


def test_input_of_any_size_is_given_while_output_is_taken() -> None:
    data = "line\n" * 400_000
    assert programs.run(["cat"], input=data.encode()).stdout == data
    assert programs.run(["cat"], input=b"").stdout == ""
    assert programs.run(["sh", "-c", "exec <&-; echo done"], input=data.encode()).stdout == "done\n"


def test_a_line_without_end_is_cut_and_the_next_one_is_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(programs, "LINE_BYTES", 1000)
    script = (
        "echo first; head -c 50000000 /dev/zero | tr '\\0' x; "
        "echo; printf %0999d 0; echo; echo last"
    )
    tracemalloc.start()
    try:
        found = list(programs.lines(["sh", "-c", script]))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found == [b"first\n", b"x" * 1000, b"0" * 999 + b"\n", b"last\n"]
    assert most < 1_000_000
