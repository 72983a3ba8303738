from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

from provisioning.report import make_sink
from provisioning.report.output import Output
from provisioning.report.sinks.plain import PlainSink
from provisioning.report.sinks.terminal import TerminalSink
from tests.report.conftest import TerminalStream

NOTES = """
from provisioning.report import make_sink
sink = make_sink(json={json})
for number in range(2000):
    sink.note(f"line {{number}} " + "x" * 200)
import sys
print("went on to the end", file=sys.stderr)
print("rich" in sys.modules, file=sys.stderr)
"""


def run(code, **options):
    argv = [sys.executable, "-c", code]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)


@pytest.mark.parametrize("json", [False, True])
def test_a_reader_that_goes_away_stops_nothing(json):
    with run(NOTES.format(json=json)) as process:
        assert process.stdout and process.stderr
        process.stdout.readline()
        process.stdout.close()
        errors = process.stderr.read().decode()
    assert (process.returncode, errors) == (0, "went on to the end\nFalse\n")


def test_a_full_disk_stops_nothing():
    with Path("/dev/full").open("w") as full:
        argv = [sys.executable, "-c", NOTES.format(json=False)]
        done = subprocess.run(argv, stdout=full, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (0, b"went on to the end\nFalse\n")


def test_a_character_that_the_stream_cannot_express_is_replaced():
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    Output(stream).write("café …\n")
    assert raw.getvalue() == b"caf? ?\n"


def test_every_line_is_flushed_at_once():
    raw = io.BytesIO()
    sink = make_sink(stream=io.TextIOWrapper(raw, encoding="utf-8"))
    sink.note("here")
    assert raw.getvalue() == b"here\n"


def test_a_terminal_gets_the_live_display_and_a_dumb_one_plain_lines(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    assert isinstance(make_sink(stream=TerminalStream()), TerminalSink)
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(make_sink(stream=TerminalStream()), PlainSink)
    monkeypatch.setenv("TERM", "xterm")
    assert isinstance(make_sink(stream=io.StringIO()), PlainSink)


def test_errors_leave_the_standard_output_alone(capsys):
    from provisioning.errors import ConfigurationError

    make_sink().error(ConfigurationError("cannot begin: no"))
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "error: cannot begin: no\n")
