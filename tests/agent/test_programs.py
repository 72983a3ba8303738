"""Programs on the host: what happens while they run."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioning.agent import layout, programs
from provisioning.agent.debian import apt_get
from provisioning.agent.errors import AgentError
from provisioning.agent.system import System

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
