"""Logs: for a terminal, for a pipe, for a program; with secrets and escapes taken out."""

from __future__ import annotations

import io
import json
import os
import time

import pytest

from provisioning.agent import events
from provisioning.errors import UnreachableError
from provisioning.protocol.session import Said
from provisioning.report import HostReport, LogLine, make_sink
from provisioning.report.output import Output
from provisioning.report.sinks.plain import PlainSink
from provisioning.secrets import Secret
from tests.report.samples import without_escapes

AT = 1767323045.678
LINES = [
    LogLine("web1", AT, "hello@r1.service", 6, "first\nsecond\t\x1b[31mred"),
    LogLine("database1", AT + 1, "hello-boot.service", 3, "canary-4711 failed"),
]
HOSTS = ["web1", "database1"]
TIMES = [
    time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(AT + later)) + ".678" for later in (0, 1)
]


@pytest.fixture(autouse=True)
def secret() -> Secret:
    return Secret("canary-4711")


def test_a_pipe_gets_lines_and_nothing_else():
    stream, errors = io.StringIO(), io.StringIO()
    sink = PlainSink(Output(stream), Output(errors), diff=False, check=False)
    sink.begin("ignored", HOSTS, log=True)
    sink.heard("web1", Said("no python3 here"))
    sink.heard("web1", events.Progress("", "slow"))
    sink.log(LINES)
    sink.log([])
    failed = HostReport("web2", error=UnreachableError("cannot connect", hint="start it"))
    reports = [HostReport("web1"), HostReport("database1"), failed]
    for report in reports:
        sink.ended(report)
    sink.end(reports)
    assert stream.getvalue().splitlines() == [
        f"web1       {TIMES[0]}  hello@r1  first",
        f"web1       {TIMES[0]}  hello@r1  second  red",
        f"database1  {TIMES[1]}  hello-boot  *** failed",
    ]
    assert "web2       ! cannot connect" in errors.getvalue()
    assert "no python3 here" in errors.getvalue()


def test_a_terminal_gets_a_colour_for_each_host_and_red_for_errors(terminal, stream):
    sink = terminal(width=100)
    sink.begin("ignored", HOSTS, log=True)
    sink.log(LINES)
    sink.end([HostReport("web1"), HostReport("database1")])
    text = stream.getvalue()
    shown = without_escapes(text)
    assert f"web1       {TIMES[0]}  hello@r1  first" in shown
    assert f"database1  {TIMES[1]}  hello-boot  *** failed" in shown
    assert "\x1b[36mweb1" in text
    assert "\x1b[32mdatabase1" in text
    assert "\x1b[1;31m*** failed" in text
    assert "canary" not in text
    # No title and no summary around them.
    assert "ignored" not in shown
    assert "unchanged" not in shown


def test_a_program_gets_an_object_for_each_line():
    stream = io.StringIO()
    sink = make_sink(json=True, stream=stream)
    sink.begin("log", HOSTS, log=True)
    sink.log(LINES)
    sink.end([HostReport("web1")])
    first, second = [
        each for each in map(json.loads, stream.getvalue().splitlines()) if each["event"] == "log"
    ]
    assert first["at"] == "2026-01-02T03:04:05.678Z"
    assert (first["host"], first["unit"], first["priority"]) == ("web1", "hello@r1.service", 6)
    assert first["text"] == "first\nsecond\tred"
    assert second["text"] == "*** failed"


@pytest.mark.parametrize("json", [False, True])
def test_whoever_follows_ends_when_nobody_reads_any_more_though_nothing_is_logged(json: bool):
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as stream:
        sink = make_sink(json=json, stream=stream)
        sink.begin("log", HOSTS, log=True)
        sink.log(LINES)
        sink.log([])
        os.close(reading)
        with pytest.raises(BrokenPipeError):
            sink.log([])
