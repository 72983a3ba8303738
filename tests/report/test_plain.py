from __future__ import annotations

import io
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from provisioning.agent import events
from provisioning.agent.runs.messages import Answer, Hello
from provisioning.errors import ConfigurationError, UnreachableError
from provisioning.protocol.session import Said
from provisioning.report import HostReport
from provisioning.report.output import Output
from provisioning.report.sinks.plain import OUTPUT_LINES, PlainSink
from tests.report.samples import CHANGED_FILE, FAILED, NEW_FILE


@pytest.fixture
def stream():
    return io.StringIO()


def sink_to(stream, *, diff=False, check=False):
    return PlainSink(Output(stream), Output(stream), diff=diff, check=check)


def test_a_run_reads_line_by_line(stream):
    sink = sink_to(stream)
    report = HostReport("web1", turns=5)
    sink.begin("provision", ["web1"])
    for heard in (
        Said("installing python3"),
        Hello("3.11.2"),
        Answer({"much": "data"}),
        events.Unchanged(("a:1", "a:2")),
        events.Started("packages:base"),
        events.Progress("packages:base", "installing nginx"),
        NEW_FILE,
        CHANGED_FILE,
        events.Noted("warning: it is damp"),
        events.Done("run", seconds=2.0),
    ):
        report.hear(heard)
        sink.heard("web1", heard)
    sink.note("the old release drains", "web1")
    sink.note("everything is there")
    sink.ended(report)
    sink.end([report])
    assert stream.getvalue() == (
        "provision: web1\n"
        "web1    installing python3\n"
        "web1    packages:base  installing nginx\n"
        "web1  + file:/etc/new\n"
        "web1  ~ file:/etc/motd  content, mode 0640 -> 0644\n"
        "web1    warning: it is damp\n"
        "web1    the old release drains\n"
        "everything is there\n"
        "\n"
        "host  changed  unchanged  failed  seconds  round trips  outcome\n"
        "web1        2          2       0      2.0            5  changed\n"
        "\n"
        "2 resources changed\n"
    )


def test_a_check_says_would_everywhere(stream):
    sink = sink_to(stream, check=True)
    report = HostReport("web1", changed=[CHANGED_FILE])
    sink.begin("provision", ["web1"], check=True)
    sink.heard("web1", CHANGED_FILE)
    sink.end([report])
    text = stream.getvalue()
    assert "provision: web1 (check: nothing is changed)" in text
    assert "file:/etc/motd  would change content" in text
    assert "host  would change  unchanged" in text
    assert text.endswith("\n1 resource would change\n")


def test_a_diff_is_shown_only_when_asked_for_and_every_line_names_its_host(stream):
    sink_to(stream).heard("web1", CHANGED_FILE)
    assert "new words" not in stream.getvalue()
    sink_to(stream, diff=True).heard("web1", CHANGED_FILE)
    assert "web1      -old words\nweb1      +new words\n" in stream.getvalue()


def test_a_failure_shows_its_words_its_output_and_what_to_try(stream):
    sink = sink_to(stream)
    report = HostReport("web1", failed=FAILED)
    sink.heard("web1", FAILED)
    sink.ended(report)
    assert stream.getvalue() == (
        "web1  ! service:nginx  cannot reload nginx.service: exit status 1\n"
        "web1        nginx: [emerg] unknown directive\n"
        "web1        nginx: test failed\n"
        "web1      try: look at line 3\n"
    )


def test_an_error_of_a_host_is_shown_when_it_ends(stream):
    error = UnreachableError("cannot connect to web1: timed out", hint="check the address")
    sink_to(stream).ended(HostReport("web1", error=error))
    assert stream.getvalue() == (
        "web1  ! cannot connect to web1: timed out\nweb1      try: check the address\n"
    )


def test_of_long_output_only_the_last_lines_are_shown(stream):
    output = "\n".join(f"line {number}" for number in range(OUTPUT_LINES + 10))
    sink_to(stream).heard("web1", events.Finished("a:b", events.FAILED, output=output))
    text = stream.getvalue()
    assert "(10 more lines above)" in text
    assert "line 9\n" not in text
    assert f"line {OUTPUT_LINES + 9}\n" in text


def test_the_same_trouble_of_several_hosts_is_summed_up_once(stream):
    hosts = [f"web{number}" for number in range(1, 7)]
    reports = [
        HostReport(host, error=UnreachableError(f"cannot connect to {host}: timed out"))
        for host in hosts
    ]
    sink_to(stream).end(reports)
    text = stream.getvalue()
    assert "web1, web2, web3 and 3 more: cannot connect to the host: timed out\n" in text
    assert text.endswith("\n6 hosts: 6 unreachable\n")


def test_an_error_of_the_command_goes_where_errors_go(stream):
    errors = io.StringIO()
    error = ConfigurationError(
        "cannot read inventory/production.toml: 1 mistake", output="line 3: unknown key", hint="see"
    )
    PlainSink(Output(stream), Output(errors), diff=False, check=False).error(error)
    assert stream.getvalue() == ""
    assert errors.getvalue() == (
        "error: cannot read inventory/production.toml: 1 mistake\n"
        "    line 3: unknown key\n"
        "  try: see\n"
    )


def test_a_table_is_aligned_by_what_is_seen(stream):
    rows = [["20260101-a", "12", "live"], ["日本", "3", "old"]]
    sink_to(stream).table("releases of hello", ["release", "files", "state"], rows)
    assert stream.getvalue() == (
        "releases of hello\n"
        "release     files  state\n"
        "20260101-a     12  live\n"
        "日本            3  old\n"
    )


def test_a_table_without_rows_is_its_head(stream):
    sink_to(stream).table("", ["release", "state"], [])
    assert stream.getvalue() == "release  state\n"


def test_no_control_characters_are_written(stream):
    sink = sink_to(stream, diff=True)
    evil = "\x1b[2J\x07\tevil\r\x9b1m"
    sink.begin(evil, [evil])
    sink.heard(evil, Said(evil))
    sink.heard(evil, events.Finished(evil, events.CHANGED, {evil: (evil, "x" + evil)}, (evil,)))
    sink.heard(evil, events.Finished(evil, events.FAILED, {}, (), 0, evil, evil, evil))
    sink.note(evil, evil)
    sink.table(evil, [evil], [[evil]])
    sink.end([HostReport(evil)], conclusion=evil)
    written = stream.getvalue()
    assert "evil" in written
    assert {each for each in written if not each.isprintable()} == {"\n"}


class SlowStream(io.StringIO):
    """Lets other threads go first after every write."""

    def write(self, text: str) -> int:
        time.sleep(0.0001)
        return super().write(text)


def test_what_belongs_together_stays_together_when_many_hosts_speak_at_once():
    stream = SlowStream()
    sink = sink_to(stream)
    hosts = [f"web{number:02}" for number in range(8)]
    sink.begin("provision", hosts)

    def speak(host):
        for _ in range(50):
            sink.heard(host, FAILED)

    with ThreadPoolExecutor(len(hosts)) as pool:
        list(pool.map(speak, hosts))
    lines = stream.getvalue().splitlines()[1:]
    blocks = [lines[start : start + 4] for start in range(0, len(lines), 4)]
    assert len(blocks) == 8 * 50
    for block in blocks:
        assert {line[:5] for line in block} == {block[0][:5]}
        assert [line[5:].strip()[:4] for line in block] == ["! se", "ngin", "ngin", "try:"]


def test_a_line_says_how_long_its_step_took_and_the_end_where_to_look(stream):
    sink = sink_to(stream)
    sink.heard("web1", events.Finished("unit:x", "changed", {"a": ("1", "2")}, seconds=12.3))
    sink.end([], conclusion="hello x is live", next=["https://hello.lab/"])
    assert stream.getvalue().splitlines() == [
        "web1  ~ unit:x  a 1 -> 2  12 s",
        "",
        "hello x is live",
        "https://hello.lab/",
    ]
