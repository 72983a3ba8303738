from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from provisioning.agent import events
from provisioning.errors import InterruptedRunError, UnreachableError
from provisioning.report import HostReport
from provisioning.report.output import Output
from provisioning.report.sinks.terminal import TerminalSink
from tests.report.conftest import TerminalStream
from tests.report.samples import CHANGED_FILE, FAILED, NEW_FILE, without_escapes

HIDES_THE_CURSOR = "\x1b[?25l"
ERASES_A_LINE = "\x1b[2K"


def shown(stream):
    return without_escapes(stream.getvalue())


def test_a_change_stays_on_the_screen(terminal, stream):
    sink = terminal()
    sink.begin("provision", ["web1"])
    sink.heard("web1", NEW_FILE)
    sink.heard("web1", CHANGED_FILE)
    sink.end([HostReport("web1", changed=[NEW_FILE, CHANGED_FILE], unchanged=41, turns=5)])
    text = shown(stream)
    assert "web1  +  file:/etc/new\n" in re.sub(" +\n", "\n", text)
    assert "web1  ~  file:/etc/motd  content, mode 0640 -> 0644" in text
    assert "2 resources changed" in text.splitlines()[-1]


def test_a_check_says_would(terminal, stream):
    sink = terminal(check=True)
    sink.begin("provision", ["web1"], check=True)
    sink.heard("web1", CHANGED_FILE)
    sink.end([HostReport("web1", changed=[CHANGED_FILE])])
    text = shown(stream)
    assert "check: nothing is changed" in text
    assert "file:/etc/motd  would change content" in text
    assert "1 resource would change" in text


def test_a_failure_shows_its_words_its_output_and_what_to_try_once(terminal, stream):
    sink = terminal()
    report = HostReport("web1", failed=FAILED)
    sink.begin("provision", ["web1"])
    sink.heard("web1", FAILED)
    sink.ended(report)
    sink.end([report])
    text = shown(stream)
    for words in ("cannot reload nginx.service", "[emerg] unknown directive", "look at line 3"):
        assert text.count(words) == 1


def test_an_unreachable_host_says_so_when_it_ends(terminal, stream):
    sink = terminal()
    error = UnreachableError("cannot connect to web1: timed out", hint="check the address")
    sink.begin("provision", ["web1"])
    sink.ended(HostReport("web1", error=error))
    sink.end([HostReport("web1", error=error)])
    assert "cannot connect to web1: timed out" in shown(stream)
    assert "try: check the address" in shown(stream)


def test_what_an_agent_notes_stays_on_the_screen(terminal, stream):
    sink = terminal()
    sink.begin("deploy", ["web1"])
    sink.heard("web1", events.Noted("warning: it is damp"))
    sink.end([HostReport("web1")])
    assert shown(stream).count("warning: it is damp") == 1


def test_a_diff_is_coloured(terminal, stream):
    sink = terminal(diff=True)
    sink.heard("web1", CHANGED_FILE)
    assert "\x1b[31m-old words\x1b[0m" in stream.getvalue()
    assert "\x1b[32m+new words\x1b[0m" in stream.getvalue()


def test_no_colour_is_used_where_none_is_wanted(terminal, stream, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    sink = terminal()
    sink.heard("web1", CHANGED_FILE)
    sink.heard("web1", FAILED)
    codes = re.findall(r"\x1b\[([\d;]*)m", stream.getvalue())
    colours = {code for each in codes for code in each.split(";") if code[:1] in "349" and code[1:]}
    assert codes
    assert colours == set()


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_is_wider_than_the_terminal(terminal, stream, width):
    sink = terminal(width=width, check=True, diff=True)
    long = "x" * 150
    sink.begin("provision", ["web1", "web2", "a-host-with-quite-a-long-name.example.com"])
    sink.heard("web1", events.Progress(long, long))
    sink.heard("web1", events.Finished(f"file:/{long}", "changed", {long: (long, "b")}, (long,)))
    sink.heard("web2", events.Finished("a:b", "failed", {}, (), 0, long, long, long))
    reports = [HostReport("web1", changed=[CHANGED_FILE] * 100), HostReport("web2", failed=FAILED)]
    sink.end(reports)
    assert max(len(line) for line in re.split("[\r\n]+", shown(stream))) <= width


def test_the_heads_of_the_summary_are_whole_words_on_a_narrow_terminal(terminal, stream):
    sink = terminal(width=60, check=True)
    sink.end([HostReport("web1", changed=[CHANGED_FILE], turns=5)])
    words = shown(stream).split()
    heads = {
        "host",
        "would",
        "change",
        "unchanged",
        "failed",
        "seconds",
        "round",
        "trips",
        "outcome",
    }
    assert heads <= set(words)
    assert "would change" in shown(stream).splitlines()[3]


def test_what_a_table_lists_is_never_folded(terminal, stream):
    release = "20251122-081512-3fa2c1"
    row = [release, "live", "2 hours ago", "anna@laptop", "refused: /healthz answered 500"]
    terminal(width=60).table("", ["release", "state", "since", "by", "outcome"], [row])
    assert release in shown(stream)
    assert "answered" in shown(stream)


def test_a_table_that_is_too_wide_is_shown_in_parts_that_begin_alike(terminal, stream):
    heads = ["app", "host", "live release", "age", "health", "memory", "pending"]
    rows = [
        ["hello", f"web{number}", "20251122T081512Z-3fa2c1d", "2 h", "200", "84 MB", "nothing"]
        for number in (1, 2)
    ]
    terminal(width=56).table("Status", heads, rows, keys=2)
    lines = [line.split("  ") for line in shown(stream).splitlines() if line]
    heads_of_parts = [" ".join(line) for line in lines if line[0].strip() == "app"]
    assert len(heads_of_parts) == 2
    assert " ".join(" ".join(heads_of_parts).split()) == (
        "app host live release age health app host memory pending"
    )
    assert sum("20251122T081512Z-3fa2c1d" in line for line in shown(stream).splitlines()) == 2
    assert shown(stream).count("web2") == 2
    terminal(width=120).table("Status", heads, rows, keys=2)
    assert shown(stream).splitlines()[-1].split()[-2:] == ["MB", "nothing"]
    assert "20251122T081512Z-3fa2c1d" in shown(stream).splitlines()[-1]


def test_an_id_is_shown_whole_however_narrow_the_terminal(terminal, stream):
    sink = terminal(width=60)
    path = "file:/" + "a" * 90
    sink.heard("web1", events.Finished(path, "changed", {"mode": ("0600", "0644")}))
    assert path in re.sub(r"\s+", "", shown(stream))


def test_the_cursor_is_never_hidden_and_the_live_lines_are_taken_away(terminal, stream):
    sink = terminal()
    sink.begin("provision", ["web1"])
    sink.heard("web1", events.Progress("packages:base", "installing nginx"))
    sink.error(InterruptedRunError("interrupted"))
    assert HIDES_THE_CURSOR not in stream.getvalue()
    after = stream.getvalue().rpartition("web1")[2]
    assert ERASES_A_LINE in after.partition("interrupted")[0]


def test_many_hosts_speak_at_once_and_every_change_is_shown_once(terminal, stream):
    sink = terminal(width=100)
    hosts = [f"web{number:02}" for number in range(8)]
    sink.begin("provision", hosts)

    def speak(host):
        for number in range(40):
            id = f"file:/{host}/{number}/end"
            sink.heard(host, events.Started(id))
            sink.heard(host, events.Finished(id, "changed", {"mode": ("0600", "0644")}))
        sink.ended(HostReport(host))

    with ThreadPoolExecutor(len(hosts)) as pool:
        list(pool.map(speak, hosts))
    sink.end([HostReport(host) for host in hosts])
    text = shown(stream)
    for host in hosts:
        for number in range(40):
            assert text.count(f"~  file:/{host}/{number}/end  mode") == 1


class StuckStream(TerminalStream):
    """A terminal whose reader has pressed Ctrl-S."""

    def __init__(self) -> None:
        super().__init__()
        self.moving = threading.Event()
        self.moving.set()
        self.stuck = threading.Event()

    def write(self, text: str) -> int:
        if not self.moving.is_set():
            self.stuck.set()
        self.moving.wait()
        return super().write(text)


def test_a_terminal_that_stands_still_holds_up_no_host(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    stream = StuckStream()
    sink = TerminalSink(Output(stream), diff=False, check=False)
    sink.begin("provision", ["web1"])
    stream.moving.clear()
    assert stream.stuck.wait(30)
    speaking = threading.Thread(target=sink.heard, args=("web1", CHANGED_FILE), daemon=True)
    speaking.start()
    speaking.join(30)
    held_up = speaking.is_alive()
    stream.moving.set()
    sink.end([HostReport("web1", changed=[CHANGED_FILE])])
    assert not held_up
    assert "file:/etc/motd" in shown(stream)


def test_a_note_before_any_command_names_its_host(terminal, stream):
    terminal().note("the old release drains", "web1")
    assert shown(stream).split() == ["web1", "the", "old", "release", "drains"]


def test_a_second_command_begins_where_the_first_was_cut_off(terminal, stream):
    sink = terminal()
    sink.begin("provision", ["web1"])
    sink.begin("deploy hello", ["web1"])
    sink.heard("web1", CHANGED_FILE)
    sink.end([HostReport("web1", changed=[CHANGED_FILE])])
    assert "deploy hello  web1" in shown(stream)
    assert shown(stream).count("file:/etc/motd") == 1


INTERRUPTED = """
import time
from provisioning.report import make_sink
from provisioning.protocol.session import Said
sink = make_sink()
sink.begin("provision", ["web1"])
sink.heard("web1", Said("going on"))
time.sleep(60)
"""


def test_an_interrupted_process_leaves_the_terminal_as_it_was():
    """Without a word to the sink: what takes the live lines away is the end of the process."""
    controller, terminal = pty.openpty()
    environ = {**os.environ, "TERM": "xterm", "COLUMNS": "80", "LINES": "24"}
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED],
        stdin=terminal, stdout=terminal, stderr=subprocess.DEVNULL, env=environ,
    )  # fmt: skip
    os.close(terminal)
    try:
        written = ""
        while "going on" not in written:
            written += _read(controller)
        process.send_signal(signal.SIGINT)
        while part := _read(controller):
            written += part
        assert process.wait(30) != 0
    finally:
        process.kill()
        process.wait()
        os.close(controller)
    assert HIDES_THE_CURSOR not in written
    assert ERASES_A_LINE in written.rpartition("going on")[2]


def _read(descriptor):
    """Return what came, or "" at the end."""
    assert select.select([descriptor], [], [], 30)[0], "nothing came for half a minute"
    try:
        return os.read(descriptor, 65536).decode()
    except OSError:  # The other side of a pseudo-terminal is gone. Source: pty(7), EIO.
        return ""
