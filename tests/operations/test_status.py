"""Which columns `fab status` shows."""

from __future__ import annotations

from provisioning.agent.answers import ProcessStatus, TimerStatus
from provisioning.commands.status import COLUMNS, SHORT, _columns, _is_well, _row, _with_waiting
from tests.fakes.answers import app_status

STATE = app_status(
    live="20260101T000000.000Z-aaaaaaa",
    by="ann@desk",
    health="200",
    site="200",
    running=("x",),
    at_boot=True,
    memory_bytes=2**20,
    certificate_days=60,
    disk_free_percent=50,
)
WORKER = {"worker": ProcessStatus(running=2, wanted=2)}


def test_by_default_a_line_fits_80_characters() -> None:
    rows = [_row("hello", "bookworm-site", STATE._replace(processes=WORKER, since=1.0))]
    names, lines = _columns(rows, wide=False)
    assert names == tuple(name for name in SHORT if name not in ("visitors", "pending"))
    widths = [max(len(name), len(cell)) for name, cell in zip(names, lines[0], strict=True)]
    assert sum(widths) + 2 * (len(widths) - 1) <= 80


def test_a_column_in_which_nothing_stands_is_left_out() -> None:
    names, lines = _columns([_row("hello", "web1", STATE)], wide=False)
    assert "processes" not in names
    assert len(lines[0]) == len(names)


def test_maintenance_is_shown() -> None:
    names, [line] = _columns([_row("hello", "web1", STATE._replace(maintenance=True))], wide=False)
    assert dict(zip(names, line, strict=True))["visitors"] == "maintenance"


def test_wide_shows_all() -> None:
    names, [line] = _columns([_row("hello", "web1", STATE)], wide=True)
    assert names == COLUMNS
    assert len(line) == len(COLUMNS)


def test_a_stopped_app_is_told_from_one_that_was_never_deployed():
    stopped = STATE._replace(live="", stopped="20261130T100000.000Z-abcdef0")
    assert _row("hello", "web1", stopped)[2] == "stopped"
    assert _row("hello", "web1", STATE._replace(live=""))[2] == "none"


def test_a_timer_whose_last_run_failed_is_no_good_state() -> None:
    timers = {"nightly": TimerStatus(next="Mon 2026"), "hourly": TimerStatus(failed=True)}
    assert _is_well(STATE._replace(timers={"nightly": timers["nightly"]}), [200])
    assert not _is_well(STATE._replace(timers=timers), [200])


def test_what_waits_for_a_provision_is_pending() -> None:
    applied = STATE._replace(applied={"static": "1", "tls": "1"})
    assert _with_waiting(applied, {"static": "1", "tls": "1"}) == applied
    assert _with_waiting(STATE, {"static": "1"}) == STATE
    state = _with_waiting(applied._replace(pending=("x",)), {"max_body": "1", "tls": "1"})
    assert state.pending == ("x", "2 changes wait for fab provision: max_body, static")


def test_a_release_is_named_by_its_commit() -> None:
    assert _row("hello", "web1", STATE)[2] == "aaaaaaa"
