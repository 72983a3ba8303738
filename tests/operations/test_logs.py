"""Logs of several hosts as one, in the order of time."""

from __future__ import annotations

import threading

import pytest

from provisioning.agent.answers import LogEntry, LogPage
from provisioning.errors import ConnectionLostError
from provisioning.operations import logs
from provisioning.operations.logs import Merged, Query, read_log
from provisioning.report import LogLine
from tests.fakes.remote_host import LoggingHost


class Reader:
    def __init__(self) -> None:
        self.lines: list[LogLine] = []

    def __call__(self, lines) -> None:
        self.lines += lines

    @property
    def texts(self) -> list[str]:
        return [line.text for line in self.lines]


def line(host: str, at: float) -> LogLine:
    return LogLine(host, at, "hello@1.service", 6, f"{host} {at:.0f}")


def test_lines_wait_until_every_host_has_told_what_it_has_from_before():
    reader = Reader()
    merged = Merged(["a", "b"], reader)
    merged.add("a", [line("a", 1), line("a", 5)], until=10)
    assert reader.texts == []
    merged.add("b", [line("b", 3)], until=4)
    assert reader.texts == ["a 1", "b 3"]
    merged.add("b", [line("b", 4), line("b", 12)], until=12)
    assert reader.texts == ["a 1", "b 3", "b 4", "a 5"]
    merged.leave("a")
    assert reader.texts[-1] == "b 12"


def test_a_host_that_is_gone_is_not_waited_for():
    reader = Reader()
    merged = Merged(["a", "dead"], reader)
    merged.add("a", [line("a", 1)], until=2)
    merged.leave("dead")
    assert reader.texts == ["a 1"]


def test_lines_of_one_moment_keep_the_order_they_came_in():
    reader = Reader()
    merged = Merged(["a"], reader)
    merged.add("a", [LogLine("a", 1.0, "u", 6, text) for text in "zyx"], until=2)
    assert reader.texts == ["z", "y", "x"]


def test_who_follows_does_not_wait_for_a_silent_host_for_ever(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(logs.time, "monotonic", lambda: now[0])
    reader = Reader()
    merged = Merged(["a", "silent"], reader, hold_s=3)
    merged.add("a", [line("a", 1), line("a", 2)], until=3)
    now[0] += 2
    merged.add("a", [line("a", 4)], until=5)
    assert reader.texts == []
    now[0] += 1
    merged.add("a", [], until=6)
    assert reader.texts == ["a 1", "a 2"]


def page(*entries, cursor: str = "", more: bool = False, now: float = 50.0) -> LogPage:
    found = tuple(LogEntry(at, "hello@1.service", 6, text) for at, text in entries)
    return LogPage(found, cursor, more, now)


def test_a_long_log_is_read_page_by_page_to_its_end():
    reader = Reader()
    run = LoggingHost(
        page((1.0, "one"), cursor="c1", more=True),
        page(cursor="c2", more=True),
        page((3.0, "three"), cursor="c3"),
    )
    read_log(run, Query(["hello"], since=0.5, lines=9, grep="e"), Merged(["a"], reader), None)
    assert reader.texts == ["one", "three"]
    assert [asked["after"] for asked in run.asked] == ["", "c1", "c2"]
    first = {"apps": ["hello"], "grep": "e", "after": "", "since": 0.5, "lines": 9}
    assert run.asked[0] == first


def test_nothing_is_let_out_past_what_another_page_may_bring():
    reader = Reader()
    merged = Merged(["a", "b"], reader)
    merged.add("b", [line("b", 2)], until=50)
    read_log(
        LoggingHost(page(cursor="c", more=True), page((1.0, "first"))),
        Query(["hello"]),
        merged,
        None,
    )
    assert reader.texts[:2] == ["first", "b 2"]


@pytest.fixture
def at_once(monkeypatch):
    monkeypatch.setattr(logs, "LOOK_EVERY_S", 0)


def test_following_goes_on_where_the_log_ended_until_it_is_told_to_stop(at_once):
    stop = threading.Event()
    reader = Reader()
    pages = page((1.0, "one"), cursor="c1"), page(cursor="c1"), page((2.0, "two"), cursor="c2")
    run = LoggingHost(*pages, then=stop.set)
    read_log(run, Query(["hello"], lines=5), Merged(["a"], reader), stop)
    assert reader.texts == ["one", "two"]
    assert [asked["after"] for asked in run.asked] == ["", "c1", "c1"]


def test_following_goes_on_across_a_reboot(at_once):
    stop = threading.Event()
    reader = Reader()
    pages = page((1.0, "one"), cursor="c1"), None, page((2.0, "two"), cursor="c2")
    run = LoggingHost(*pages, then=stop.set, unreachable=3)
    read_log(run, Query(["hello"], lines=5), Merged(["a"], reader), stop)
    assert reader.texts == ["one", "two"]
    assert [asked["after"] for asked in run.asked] == ["", "c1", "c1"]
    assert run.notes == ["the connection was lost: reconnecting", "reconnected"]


def test_a_log_that_is_not_followed_or_was_never_heard_fails_with_its_connection(at_once):
    with pytest.raises(ConnectionLostError):
        read_log(
            LoggingHost(page(cursor="c1", more=True), None),
            Query(["hello"]),
            Merged([], Reader()),
            None,
        )
    with pytest.raises(ConnectionLostError):
        read_log(LoggingHost(None), Query(["hello"]), Merged([], Reader()), threading.Event())


def test_following_what_has_logged_nothing_yet_begins_then(at_once):
    stop = threading.Event()
    reader = Reader()
    run = LoggingHost(page(now=50.0), page((51.0, "first"), cursor="c1"), then=stop.set)
    merged = Merged(["a"], reader)
    read_log(run, Query(["hello"], lines=5), merged, stop)
    merged.leave("a")
    assert (run.asked[1]["since"], run.asked[1]["lines"]) == (50.0, 0)
    assert reader.texts == ["first"]
