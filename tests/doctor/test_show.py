"""How findings are shown: to people, in a pipe and to programs."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping, Sequence

import pytest

from provisioning.commands.doctor import show
from provisioning.doctor.doctor import Line
from provisioning.doctor.finding import failed, passed, unseen, warned
from provisioning.report import make_sink
from provisioning.report.output import Output
from provisioning.report.sinks.terminal import TerminalSink

WEB1 = [
    Line("", "clock", passed("it is synchronised")),
    Line("hello", "hsts", warned("there is no such header", "set hsts")),
    Line("hello", "health", failed("it says \x1b[31mred\x1b[0m\nand more", "see the log")),
]
WEB2 = [
    Line("", "clock", unseen("timedatectl does not answer")),
    Line("hello", "hsts", passed("max-age=63072000")),
]


def shown(results: Mapping[str, Sequence[Line]], *, as_json: bool = False) -> str:
    stream = io.StringIO()
    show(make_sink(json=as_json, stream=stream), results)
    return stream.getvalue()


def test_one_host_is_shown_with_its_evidence_and_what_to_do_the_worst_first() -> None:
    lines = [" ".join(line.split()) for line in shown({"web1": WEB1}).splitlines()]
    assert lines == [
        "check app verdict evidence",
        "clock pass it is synchronised",
        "hsts hello warn there is no such header",
        "health hello fail it says red and more",
        "web1 fail: health of hello: it says red and more",
        "web1 mend: see the log",
        "web1 warn: hsts of hello: there is no such header",
        "web1 mend: set hsts",
    ]


def test_several_hosts_are_shown_side_by_side() -> None:
    lines = [" ".join(line.split()) for line in shown({"web2": WEB2, "web1": WEB1}).splitlines()]
    assert lines[:4] == [
        "check app web1 web2", "clock pass not seen", "hsts hello warn pass", "health hello fail",
    ]  # fmt: skip
    assert "web2 not seen: clock: timedatectl does not answer" in lines


def test_what_was_not_seen_for_one_reason_is_told_once() -> None:
    lines = [Line("hello", name, unseen("it is not there")) for name in ("hsts", "https")]
    assert shown({"web1": lines}).splitlines()[-1].split("  ", 2)[-1].strip() == (
        "not seen: hsts, https of hello: it is not there"
    )


def test_no_host_that_answered_is_no_error() -> None:
    assert shown({}).split() == ["check", "app"]


def test_programs_get_each_finding_once() -> None:
    events = [json.loads(line) for line in shown({"web1": WEB1}, as_json=True).splitlines()]
    [table] = [event for event in events if event["event"] == "table"]
    assert table["rows"][1] == {
        "host": "web1", "app": "hello", "check": "hsts", "verdict": "warn",
        "evidence": "there is no such header", "mend": "set hsts",
    }  # fmt: skip
    assert [row["verdict"] for row in table["rows"]] == ["pass", "warn", "fail"]


@pytest.mark.parametrize("width", [40, 80, 200])
def test_a_terminal_gets_colours_and_nothing_that_a_host_has_put_in(
    monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    stream = io.StringIO()
    show(TerminalSink(Output(stream), diff=False, check=True), {"web1": WEB1})
    drawn = stream.getvalue()
    assert re.search(r"\x1b\[1;31mfail *\x1b\[0m", drawn)
    assert re.search(r"\x1b\[32mpass *\x1b\[0m", drawn)
    assert "\x1b[31mred" not in drawn
