"""A program attached to us, with the real program between, on this machine."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from provisioning.errors import ConnectionLostError
from provisioning.hosts.exec import Frames, Program, Size, attach
from provisioning.transport import LocalChannel
from tests.fakes.console import PATIENCE_S, FakeConsole


@pytest.fixture
def stopped(tmp_path: Path) -> Path:
    """There once the host has ended what was started."""
    return tmp_path / "stopped"


@pytest.fixture
def attached(stopped: Path) -> Callable[..., int]:
    def run(*argv: str, person: FakeConsole, before: str = "") -> int:
        program = Program(argv, ("touch", str(stopped)))
        return attach(program, lambda line: LocalChannel(["sh", "-c", before + line]), person)

    return run


def test_what_it_prints_comes_on_two_streams_and_its_status_is_the_result(attached, stopped):
    person = FakeConsole()
    assert attached("sh", "-c", "printf 'a\\0b\\n'; printf oops >&2; exit 7", person=person) == 7
    assert person.seen == {False: b"a\0b\n", True: b"oops"}
    # It is over; still nothing that it may have started stays.
    assert stopped.exists()


def test_a_program_that_is_not_there_or_is_killed_has_a_status_as_in_a_shell(attached):
    assert attached("sh", "-c", "kill -9 $$", person=FakeConsole()) == 128 + 9


def test_input_arrives_whole_and_its_end_too(attached):
    data = os.urandom(3_000_000)
    person = FakeConsole(lambda _: iter([data[:5], data[5:]]))
    assert attached("cat", person=person) == 0
    assert person.seen[False] == data


def test_input_that_nobody_reads_holds_up_nothing(attached):
    person = FakeConsole(lambda _: iter([b"x" * 100_000] * 50))
    assert attached("sh", "-c", "exec <&-; echo done", person=person) == 0
    assert person.seen[False] == b"done\n"


def test_output_comes_while_the_program_goes_on(attached):
    def typed(person: FakeConsole) -> Iterator[bytes]:
        person.wait_for(b"ready")
        yield b"go on\n"

    person = FakeConsole(typed)
    assert attached("sh", "-c", "echo ready; read line; echo got $line", person=person) == 0
    assert person.seen[False] == b"ready\ngot go on\n"


def test_what_a_login_shell_prints_is_not_the_program_s(attached):
    person = FakeConsole()
    assert attached("echo", "hello", person=person, before="echo welcome; echo 1 2 3; ") == 0
    assert person.seen[False] == b"hello\n"


def test_a_program_on_a_terminal_has_its_size_its_keys_and_is_told_of_changes(attached):
    def typed(person: FakeConsole) -> Iterator[bytes | Size]:
        person.wait_for(b"waiting")
        yield (40, 120)
        person.wait_for(b"changed 40 120")
        yield b"\x03"

    script = (
        "trap 'echo changed $(stty size)' WINCH; trap 'echo interrupted; exit 3' INT; "
        "test -t 0 && tty >/dev/tty && stty size; echo waiting; while :; do sleep 0.05; done"
    )
    person = FakeConsole(typed, size=(24, 81))
    assert attached("sh", "-c", script, person=person) == 3
    assert b"24 81\r\n" in person.seen[False]
    assert person.seen[False].endswith(b"interrupted\r\n")


def test_a_person_who_is_gone_leaves_nothing_behind(stopped: Path, tmp_path: Path):
    channels: list[LocalChannel] = []

    def typed(person: FakeConsole) -> Iterator[bytes]:
        person.wait_for(b"ready")
        # As when the connection ends: without a word.
        channels[0].close()
        yield b""

    def opened(line: str) -> LocalChannel:
        channels.append(LocalChannel(["sh", "-c", line]))
        return channels[0]

    # Its input is full as well: the end must be noticed all the same.
    script = f"echo $$ > {tmp_path}/pid; echo ready; exec sleep 1000"
    with pytest.raises((ConnectionLostError, OSError, ValueError)):
        attach(Program(("sh", "-c", script), ("touch", str(stopped))), opened, FakeConsole(typed))
    deadline = time.monotonic() + PATIENCE_S
    pid = int((tmp_path / "pid").read_text())
    while not stopped.exists() or Path(f"/proc/{pid}").exists():
        assert time.monotonic() < deadline, "it goes on"
        time.sleep(0.02)


def test_a_connection_that_ends_is_no_end_of_the_program():
    with pytest.raises(ConnectionLostError, match="before the program did"):
        attach(
            Program(("true",), ("true",)),
            lambda _: LocalChannel(["sh", "-c", "head -c 1 >/dev/null; echo boo >&2"]),
            FakeConsole(),
        )


def test_frames_may_come_in_any_pieces():
    stream = b"noise\nmark \n" + b"\nmark\n" + b"1\0\0\0\2ab" + b"2\0\0\0\0" + b"X\0\0\0\1" + b"0"
    frames = Frames("mark")
    found = [frame for byte in stream for frame in frames.of(bytes([byte]))]
    assert found == [(b"1", b"ab"), (b"2", b""), (b"X", b"0")]


def test_a_login_shell_that_prints_without_end_is_told():
    with pytest.raises(ConnectionLostError, match="prints endless output"):
        list(Frames("mark").of(b"x" * 70_000))


def test_settings_travel_on_stdin_and_not_on_the_command_line():
    lines: list[str] = []

    def opened(line: str) -> LocalChannel:
        lines.append(line)
        return LocalChannel(["sh", "-c", line])

    person = FakeConsole()
    attach(Program(("echo", json.dumps("canary 'quoted' $x")), ("true",)), opened, person)
    assert person.seen[False] == b"\"canary 'quoted' $x\"\n"
    assert "canary" not in lines[0]
