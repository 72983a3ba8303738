"""What is told of a host's journal: this app's units, a page at a time, without secrets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from provisioning.agent.answers import LogEntry, plain
from provisioning.agent.errors import AgentError, StoppedError
from provisioning.agent.layout import AppLayout
from provisioning.agent.machine.system import System
from provisioning.agent.queries import logs as module
from provisioning.agent.queries.logs import answer as logs
from tests.fakes.system import JournalSystem

HUGE = 5000
RELEASE = "20260102T030405.000Z-abc1234"


def said(text: Any, unit: str = f"hello@{RELEASE}.service", **more: Any) -> dict[str, Any]:
    return {"MESSAGE": text, "_SYSTEMD_UNIT": unit, "PRIORITY": "6", **more}


def _journal(*entries: dict[str, Any], **options: Any) -> JournalSystem:
    return JournalSystem(*entries, longest=HUGE, **options)


def ask(system: System, **values: Any) -> dict[str, Any]:
    return logs({"apps": ["hello"], **values}, system)


def texts(page: dict[str, Any]) -> list[str]:
    return [entry["text"] for entry in page["entries"]]


def test_an_entry_is_told_with_its_time_unit_and_priority() -> None:
    page = ask(_journal(said("a"), said("b", PRIORITY="3")))
    unit = f"hello@{RELEASE}.service"
    entries = (LogEntry(0.5, unit, 6, "a"), LogEntry(1.5, unit, 3, "b"))
    assert page["entries"] == list(map(plain, entries))
    assert (page["cursor"], page["more"]) == ("c1", False)


@pytest.mark.parametrize(
    ("unit", "is_ours"),
    [
        (f"hello@{RELEASE}.service", True),
        ("hello-boot.service", True),
        (f"hello-import-{RELEASE}.service", True),
        (f"hello-before-switch-hook-12-{RELEASE}.service", True),
        (f"hello.worker.1@{RELEASE}.service", True),
        ("hello.nightly.timer", True),
        (f"hello-api@{RELEASE}.service", False),
        ("hello-api-boot.service", False),
        (f"hello-api-import-{RELEASE}.service", False),
        (f"hello-api-after-switch-hook-1-{RELEASE}.service", False),
        ("hello-api.nightly.timer", False),
        ("othello@1.service", False),
        ("nginx.service", False),
    ],
)
def test_only_units_of_this_very_app_are_told_of(unit: str, is_ours: bool) -> None:
    assert texts(ask(_journal(said("x", unit)))) == ["x"] * is_ours


def test_what_systemd_says_about_a_unit_is_told_of_that_unit() -> None:
    entry = said("Started.", "init.scope", UNIT="hello-boot.service")
    assert ask(_journal(entry))["entries"][0]["unit"] == "hello-boot.service"


def test_messages_that_are_no_text_are_made_one() -> None:
    nothing = {"_SYSTEMD_UNIT": "hello-boot.service"}
    journal = _journal(said(list(b"caf\xff")), said(["one", "two"]), nothing)
    assert texts(ask(journal)) == ["caf\ufffd", "one\ntwo", ""]


def test_a_message_of_any_size_is_left_out_and_the_others_are_told() -> None:
    journal = _journal(said("a"), said("x" * HUGE), said("b"), said("y" * HUGE), said("c"))
    too_long = "(a message that is too long to show)"
    page = ask(journal)
    assert texts(page) == ["a", too_long, "b", too_long, "c"]
    assert page["cursor"] == "c4"
    assert texts(ask(journal, lines=2)) == [too_long, "c"]
    assert texts(ask(journal, after="c2")) == [too_long, "c"]


def test_only_the_last_lines_that_hold_a_text() -> None:
    journal = _journal(*(said(f"{word} {n}") for n in range(5) for word in ("yes", "no")))
    page = ask(journal, lines=2, grep="yes")
    assert texts(page) == ["yes 3", "yes 4"]
    # What comes next begins after everything that was looked at.
    assert page["cursor"] == "c9"


def test_fewer_lines_than_asked_for_are_all_there_are() -> None:
    assert texts(ask(_journal(said("a"), said("b")), lines=10)) == ["a", "b"]
    assert texts(ask(_journal(), lines=10)) == []
    assert texts(ask(_journal(said("a")), lines=10, grep="b")) == []


def test_a_page_begins_after_the_one_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAGE_ENTRIES", 2)
    journal = _journal(*(said(str(n)) for n in range(5)))
    seen, after, more = [], "", True
    while more:
        page = ask(journal, after=after, since=1.25, lines=99)
        seen.append(texts(page))
        after, more = page["cursor"], page["more"]
    assert seen == [["0", "1"], ["2", "3"], ["4"]]
    assert "--since=@1.250000" in journal.asked[0]
    # A cursor says it better.
    assert not any(word.startswith("--since") for word in journal.asked[-1])


def test_a_page_is_bounded_by_its_size_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAGE_CHARS", 10)
    page = ask(_journal(said("x" * 11), said("y")))
    assert (len(page["entries"]), page["more"]) == (1, True)


def test_a_search_that_finds_nothing_for_long_goes_on_with_the_next_page(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "PAGE_S", -1)
    page = ask(_journal(said("a"), said("b")), grep="z")
    assert (page["entries"], page["cursor"], page["more"]) == ([], "c0", True)


def test_a_controller_that_is_gone_ends_it() -> None:
    def gone() -> None:
        raise StoppedError

    with pytest.raises(AgentError, match="stopped"):
        ask(_journal(said("a"), checkpoint=gone))


SECRETS = {
    "TOKEN": 'to"ken\\with$signs',
    "KEY": "-----BEGIN KEY-----\nMIIEvQIBADANBgkq\nhkiG9w0BAQEF==\n-----END KEY-----",
    "PIN": "42",
}


@pytest.fixture
def with_secrets() -> None:
    """An app with a release that has secrets, one revision before it, and a generated one."""
    from provisioning.agent.apps.environment import quoted

    layout = AppLayout("hello")
    for path in (layout.release(RELEASE), layout.env):
        Path(path).mkdir(parents=True)
    manifest = {"secrets": [*SECRETS, "MADE"]}
    Path(layout.release(RELEASE), "manifest.json").write_text(json.dumps(manifest))
    for name, values in (
        ("one", {**SECRETS, "LEVEL": "info"}),
        ("two", {"TOKEN": "an-older-token"}),
    ):
        text = "".join(f"{key}={quoted(value)}\n" for key, value in values.items())
        Path(layout.env, name).write_text(text)
    Path(layout.secrets).write_text(json.dumps({"MADE": "made-on-the-host"}))


@pytest.mark.parametrize(
    ("logged", "shown"),
    [
        ("token=made-on-the-host!", "token=***!"),
        ('plain to"ken\\with$signs', "plain ***"),
        (json.dumps({"t": SECRETS["TOKEN"]}), '{"t": "***"}'),
        ("/?t=to%22ken%5Cwith%24signs&x", "/?t=***&x"),
        ("an-older-token", "***"),
        ("key: MIIEvQIBADANBgkq", "key: ***"),
        ("level info, pin 42, not 1421", "level info, pin ***, not 1421"),
    ],
)
def test_secrets_are_masked_however_they_are_written(
    with_secrets: None, logged: str, shown: str
) -> None:
    assert texts(ask(_journal(said(logged)))) == [shown]


def test_a_secret_cannot_be_searched_for(with_secrets: None) -> None:
    assert texts(ask(_journal(said("is made-on-the-host")), grep="made-on")) == []


def test_lines_of_a_program_end_with_it_or_with_whoever_reads(tmp_path: Path) -> None:
    system = System()
    assert list(system.lines(["printf", "a\\nb"])) == [b"a\n", b"b"]
    pid = tmp_path / "pid"
    endless = system.lines(["sh", "-c", f"echo $$ > {pid}; exec yes"])
    assert next(endless) == b"y\n"
    endless.close()
    assert not Path(f"/proc/{pid.read_text().strip()}").exists()
    with pytest.raises(AgentError, match="sh failed"):
        list(system.lines(["sh", "-c", "echo no >&2; exit 3"]))
    with pytest.raises(AgentError, match="not installed"):
        list(system.lines(["no-such-program"]))
