from __future__ import annotations

import io
import json
import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from provisioning.agent import events
from provisioning.agent.facts import Facts
from provisioning.agent.runs.messages import Answer, Hello, OtherFacts
from provisioning.errors import ConfigurationError, UnreachableError
from provisioning.protocol.session import Said
from provisioning.report import HostReport, LogLine, make_sink
from provisioning.secrets import Secret
from tests.report.samples import CHANGED_FILE, DIFF, FAILED, NEW, OLD

PAGE = Path(__file__).parents[2] / "docs" / "json-output.md"


@pytest.fixture
def stream():
    return io.StringIO()


def written(stream):
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def speak(sink):
    """Have the sink write every kind of event."""
    report = HostReport("web1", changed=[CHANGED_FILE], failed=FAILED, turns=5)
    sink.begin("provision", ["web1"])
    for heard in (
        Said("connecting"),
        Hello("3.11.2"),
        OtherFacts(Facts()),
        Answer({"internal": 1}),
        events.Started("file:/etc/motd"),
        events.Progress("file:/etc/motd", "writing"),
        CHANGED_FILE,
        FAILED,
        events.Unchanged(("a:1", "a:2")),
        events.Done("run-1", failed=True, seconds=1.0),
    ):
        sink.heard("web1", heard)
    sink.ended(report)
    sink.note("something", "web1")
    sink.log([LogLine("web1", 1_700_000_000.0, "hello@r1.service", 6, "words")])
    sink.table("releases", ["release", "state"], [["r1", "live"]])
    sink.error(ConfigurationError("cannot do it: no", hint="do it", output="words"))
    sink.end([report])


def documented():
    """Return event -> its fields, as the page tells them; and those always there."""
    rows = re.findall(r"^\| `(\w+)` \| (.*)\|$", PAGE.read_text().split("## Events")[1], re.M)
    every = {name: set(re.findall(r"`(\w+)`", fields)) for name, fields in rows}
    sure = {
        name: set(re.findall(r"`(\w+)`", re.sub(r"\(`\w+`\)", "", fields))) for name, fields in rows
    }
    return every, sure


def test_every_line_says_when_where_and_what_first(stream):
    speak(make_sink(json=True, diff=True, stream=stream))
    lines = written(stream)
    assert all(list(line)[:3] == ["time", "host", "event"] for line in lines)
    assert {line["host"] for line in lines} == {"", "web1"}
    for line in lines:
        assert datetime.fromisoformat(line["time"]).utcoffset() == timedelta(0)


def test_the_page_describes_exactly_what_is_written(stream):
    speak(make_sink(json=True, diff=True, stream=stream))
    every, sure = documented()
    lines = written(stream)
    assert {line["event"] for line in lines} == set(every)
    for line in lines:
        fields = set(line) - {"time", "host", "event"}
        assert sure[line["event"]] <= fields <= every[line["event"]]
    optional = {"action", "change", "diffs", "message", "hint", "output", "refused"}
    assert every["finished"] - sure["finished"] == optional


def test_the_summary_is_the_last_line_and_holds_every_host(stream):
    sink = make_sink(json=True, stream=stream)
    error = UnreachableError("cannot connect to db1: timed out", hint="check it")
    sink.end([HostReport("web1", unchanged=41, turns=5), HostReport("db1", error=error)])
    last = written(stream)[-1]
    assert last["event"] == "summary"
    web1, db1 = last["hosts"]
    assert (web1["host"], web1["status"], web1["unchanged"]) == ("web1", "unchanged", 41)
    assert (web1["round_trips"], web1["error"], web1["failed"]) == (5, None, None)
    assert db1["status"] == "unreachable"
    assert db1["error"]["message"] == "cannot connect to db1: timed out"
    assert db1["error"]["exit_code"] == 3


def test_a_change_is_whole(stream):
    make_sink(json=True, diff=True, stream=stream).heard("web1", CHANGED_FILE)
    (line,) = written(stream)
    assert line["action"] == "change"
    assert line["change"]["content"] == {"actual": OLD, "desired": NEW}
    assert line["diffs"] == [DIFF]


def test_diffs_are_there_only_when_asked_for(stream):
    make_sink(json=True, stream=stream).heard("web1", CHANGED_FILE)
    assert "diffs" not in written(stream)[0]


def test_an_error_is_one_object(stream):
    make_sink(json=True, stream=stream).error(ConfigurationError("cannot: two\nlines", hint="try"))
    (line,) = written(stream)
    assert (line["event"], line["message"], line["exit_code"]) == ("error", "cannot: two\nlines", 2)


@pytest.mark.parametrize("secret", ['"', "{", ":", "true", "null", "\\", "\u2028canary"])
def test_a_secret_that_looks_like_json_does_not_break_the_line(stream, secret):
    Secret(secret)
    make_sink(json=True, stream=stream).note(f"the value {secret} is set", "web1")
    (line,) = written(stream)
    assert line["text"] == "the value *** is set"


def test_a_number_that_is_a_secret_is_masked(stream):
    Secret("83920174")
    finished = events.Finished("a:b", events.CHANGED, {"pin": (0, 83920174)})
    make_sink(json=True, stream=stream).heard("web1", finished)
    assert written(stream)[0]["change"]["pin"] == {"actual": 0, "desired": "***"}
