from __future__ import annotations

import io

import pytest
from rich.console import Console

from provisioning.agent import events
from provisioning.agent.runs.messages import Hello
from provisioning.protocol.session import Said
from provisioning.report.sinks.progress import ASCII_FRAMES, FRAMES, LiveLines, duration
from tests.report.samples import CHANGED_FILE


class Utf8Stream(io.StringIO):
    encoding = "utf-8"


class AsciiStream(io.StringIO):
    encoding = "ascii"


def drawn(lines, *, width=80, height=24, stream=None):
    stream = stream or Utf8Stream()
    console = Console(file=stream, width=width, height=height)
    console.print(lines.lines(console))
    return stream.getvalue().rstrip("\n").split("\n")


@pytest.mark.parametrize("height", [5, 20, 24, 40])
def test_the_lines_of_many_hosts_take_half_of_the_screen_at_most(height):
    names = [f"web{number}" for number in range(100)]
    lines = LiveLines(names)
    for name in names:
        lines.hear(name, Said("connecting"))
    assert len(drawn(lines, height=height)) <= max(3, height // 2)


def test_every_host_is_at_work_waiting_or_done_and_counted():
    names = [f"web{number}" for number in range(30)]
    lines = LiveLines(names)
    for name in names[:20]:
        lines.hear(name, Said("connecting"))
    for name in names[:5]:
        lines.end(name)
    *hosts, counts = drawn(lines, height=24)
    hidden = 15 - len(hosts)
    assert counts.strip() == f"and {hidden} more running, 10 waiting, 5 of 30 hosts done"
    assert hosts[0].split()[1] == "web5"


def test_a_line_says_what_a_host_is_doing_and_what_it_has_changed():
    lines = LiveLines(["web1"])
    lines.hear("web1", Hello("3.11"))
    assert "comparing" in drawn(lines)[0]
    lines.hear("web1", CHANGED_FILE)
    lines.hear("web1", events.Started("packages:base"))
    assert "packages:base " in drawn(lines)[0]
    lines.hear("web1", events.Progress("packages:base", "installing nginx"))
    line = drawn(lines)[0]
    assert "packages:base  installing nginx" in line
    assert line.split()[-3:] == ["1", "changed", "0s"]


def test_a_single_host_is_shown_before_it_has_said_anything():
    assert "web1  waiting" in drawn(LiveLines(["web1"]))[0]


def test_the_cursor_rests_on_an_empty_line():
    console = Console(file=Utf8Stream(), width=80, height=24)
    console.print(LiveLines(["web1"]).lines(console))
    assert console.file.getvalue().endswith("\n\n")


def test_a_check_counts_what_would_change():
    lines = LiveLines(["web1"], check=True)
    lines.hear("web1", CHANGED_FILE)
    assert "1 would change" in drawn(lines)[0]


def test_a_very_narrow_terminal_shows_the_step_and_not_the_count():
    lines = LiveLines(["web1"])
    lines.hear("web1", events.Progress("packages:base", "installing nginx"))
    assert "packages:base  install" in drawn(lines, width=40)[0]
    assert "changed" not in drawn(lines, width=40)[0]


def test_a_terminal_without_unicode_gets_another_spinner():
    lines = LiveLines(["web1"])
    assert drawn(lines)[0][0] in FRAMES
    assert drawn(lines, stream=AsciiStream())[0][0] in ASCII_FRAMES


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.9, "0s"), (59.9, "59s"), (60, "1m00s"), (125, "2m05s")]
)
def test_a_time_reads_as_people_say_it(seconds, words):
    assert duration(seconds) == words
